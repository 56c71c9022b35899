// The notebook: the MD5 of 500 files of 1 KiB by 100 ranks, one broadcast, one flat list in rank order,
// equal to what a loop gives. Where the notebook started 100 processes, this is one.
#include <checksum/digest.hpp>
#include <spmd/spmd.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::vector<std::string> write_files(const fs::path& folder, std::size_t count) {
    std::mt19937 random(42);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < count; ++i) {
        std::string text(1024, '\0');
        std::ranges::generate(text, [&] { return static_cast<char>(random()); });
        paths.push_back(folder / (std::to_string(i) + ".txt"));
        std::ofstream(paths.back(), std::ios::binary) << text;
    }
    std::ranges::sort(paths);
    return paths;
}

} // namespace

int main() {
    std::string folder = fs::temp_directory_path() / "spmd-notebook-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return 1;
    const std::vector<std::string> files = write_files(folder, 500);

    std::vector<checksum::md5> local;
    local.reserve(files.size());
    for (const std::string& file : files) local.push_back(checksum::md5_of_file(file));

    const spmd::engine_pool pool{{.ranks = 100}};
    const std::vector<checksum::md5> parallel = pool.broadcast([&](spmd::rank me) {
                                                        std::vector<checksum::md5> mine;
                                                        for (const std::string& file : me.part(files))
                                                            mine.push_back(checksum::md5_of_file(file));
                                                        return mine;
                                                    })
                                                    .concat();
    fs::remove_all(folder);

    std::printf("%zu digests by %zu ranks on %zu threads: %s\n", parallel.size(), pool.size(), pool.threads(),
                parallel == local ? "the same" : "different");
    return parallel == local ? 0 : 1;
}
