// spmd_meetings_mpi MEETINGS: what mpirun starts for spmd_meetings. So many barriers, then so many sums of a double;
// rank 0 prints the nanoseconds of one barrier, those of one sum, and how many ranks got a wrong one.
#include "sums.hpp"

#ifdef SPMD_WITH_MPI
#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace {

using clock = std::chrono::steady_clock;

double nanoseconds_each(clock::duration all, std::size_t count) {
    return std::chrono::duration<double, std::nano>(all).count() / static_cast<double>(count);
}

void meet(std::size_t id, std::size_t ranks, std::size_t meetings) {
    using namespace spmd_meetings;
    for (std::size_t i = 0; i < uncounted(meetings); ++i) MPI_Barrier(MPI_COMM_WORLD);
    const auto begin = clock::now();
    for (std::size_t i = 0; i < meetings; ++i) MPI_Barrier(MPI_COMM_WORLD);
    const auto middle = clock::now();
    int wrong = 0;
    for (std::size_t i = 0; i < meetings; ++i) {
        const double mine = gift(id, i);
        double sum = 0;
        MPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        if (sum != sum_of_gifts(ranks, i)) wrong = 1;
    }
    const auto end = clock::now();
    int all_wrong = 0;
    MPI_Reduce(&wrong, &all_wrong, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
    if (id == 0)
        std::printf("%.3f %.3f %d\n", nanoseconds_each(middle - begin, meetings),
                    nanoseconds_each(end - middle, meetings), all_wrong);
}

} // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int id = 0;
    int ranks = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &id);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    const std::size_t meetings = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 0;
    if (meetings > 0) meet(static_cast<std::size_t>(id), static_cast<std::size_t>(ranks), meetings);
    MPI_Finalize();
    return meetings > 0 ? 0 : 1;
}
#else
int main() { return 1; }
#endif
