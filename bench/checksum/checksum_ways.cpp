// checksum_ways read|sum DIR: the work of `spmd_sum -r DIR` without its output. Lists, opens, reads and
// closes all files below DIR; `sum` hashes them, too. Prints the number of files and bytes, and the time
// without process start and exit.
#include <checksum/file_sums.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string_view>

namespace {

int run(checksum::file_work work, const char* root) {
    const auto begin = std::chrono::steady_clock::now();
    checksum::tree_lister tree(root);
    std::atomic<std::size_t> bytes{0};
    std::size_t files = 0;
    std::size_t failed = 0;
    const std::atomic<bool> stop{false};
    const checksum::algorithm md5("md5");
    const auto next = [&](checksum::file_batch& batch) {
        batch.digest_algorithm = &md5;
        while (batch.ranges.size() < checksum::ranges_in_batch) {
            checksum::file_range range = tree.next(checksum::files_in_range);
            if (range.names.empty()) break;
            batch.ranges.push_back(std::move(range));
        }
        return !batch.ranges.empty();
    };
    checksum::sum_files(next, {.work = work, .on_read = [&](std::size_t count) { bytes += count; }}, stop,
                        [&](const checksum::file_batch& batch) {
                            for (const auto& sums : batch.sums)
                                for (const checksum::file_sum& sum : sums) ++(sum.error ? failed : files);
                        });
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
    std::printf("%zu files, %zu bytes, %zu failed, %.3f ms\n", files, bytes.load(),
                failed + tree.take_errors().size(), elapsed.count());
    return failed == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view way = argc == 3 ? argv[1] : "";
    if (way != "sum" && way != "read") {
        std::fputs("usage: checksum_ways read|sum DIR\n", stderr);
        return 2;
    }
    try {
        return run(way == "sum" ? checksum::file_work::sum : checksum::file_work::read, argv[2]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "checksum_ways: %s\n", error.what());
        return 1;
    }
}
