// The notebook, cell by cell: the MD5 of 500 files by 100 ranks, in rank order, equal to the result of a
// loop.
#include <checksum/digest.hpp>
#include <spmd/spmd.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

int main() {
    std::string folder = std::filesystem::temp_directory_path() / "spmd-notebook-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return 1;
    std::vector<std::string> files; // [1] files = glob("*.txt")
    for (int i = 1000; i < 1500; ++i) {
        files.push_back(folder + '/' + std::to_string(i) + ".txt");
        std::ofstream(files.back()) << std::string(1020, '.') << i;
    }
    const spmd::engine_pool pool{{.ranks = 100}}; // [2] rc = ipp.Cluster(n=100).start_and_connect_sync()
    std::vector<std::size_t> ids(pool.size());
    std::iota(ids.begin(), ids.end(), std::size_t{0});
    const auto rank = pool.scatter(ids, spmd::flatten); // [3] bv.scatter("rank", rc.ids, flatten=True)
    const auto size = pool.replicate(pool.size());      //     bv["size"] = len(rc)
    const auto task = [&](spmd::rank, std::size_t id, std::size_t ranks) { // [4] def spmd_task(rank, size)
        std::vector<checksum::md5> mine;
        for (std::size_t i : spmd::block(files.size(), id, ranks))
            mine.push_back(checksum::md5_of_file(files[i]));
        return mine;
    };
    const auto parallel = pool.broadcast(task, rank, size).concat(); // [5] chain(*bv.apply(spmd_task, …))
    std::vector<checksum::md5> local;                                // [6] list(map(compute_one, files))
    local.reserve(files.size());
    for (const std::string& file : files) local.push_back(checksum::md5_of_file(file));
    const bool same = parallel == local && pool.gather(rank) == ids; // [7] assert
    std::filesystem::remove_all(folder);
    std::printf("%zu digests by %zu ranks: %s\n", parallel.size(), size[0], same ? "the same" : "different");
    return same ? 0 : 1;
}
