// Runs a fuzz target on the files of a corpus instead of a fuzzer: PROGRAM [FILE or DIRECTORY]...
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

void replay(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
    if (!file) throw std::runtime_error(path.string() + ": cannot be read");
    // A copy of exactly this size, so that sanitizers detect reads beyond it.
    const std::vector<std::uint8_t> bytes(content.begin(), content.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

} // namespace

int main(int argc, char** argv) {
    try {
        std::vector<std::filesystem::path> files;
        for (int i = 1; i < argc; ++i) {
            if (std::filesystem::is_directory(argv[i]))
                std::ranges::copy(std::filesystem::directory_iterator(argv[i]), std::back_inserter(files));
            else
                files.emplace_back(argv[i]);
        }
        for (const auto& file : files) {
            std::printf("%s\n", file.c_str()); // the last line names the input that crashed
            std::fflush(stdout);
            replay(file);
        }
        std::printf("%zu inputs replayed\n", files.size());
        return files.empty() ? 2 : 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "replay: %s\n", error.what());
        return 2;
    }
}
