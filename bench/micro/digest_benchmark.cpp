// MD5 of memory, and of a file of 1 KiB in the page cache.
#include <checksum/digest.hpp>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace {

void memory(benchmark::State& state) {
    const std::vector<std::byte> message(static_cast<std::size_t>(state.range(0)), std::byte{7});
    for (auto _ : state) benchmark::DoNotOptimize(checksum::md5_of(message));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void file(benchmark::State& state) {
    std::string path = std::filesystem::temp_directory_path() / "spmd-digest-XXXXXX";
    const int descriptor = mkstemp(path.data());
    if (descriptor < 0) return state.SkipWithError("a temporary file could not be created");
    close(descriptor);
    std::ofstream content(path);
    content << std::string(static_cast<std::size_t>(state.range(0)), 'x');
    content.close();
    if (!content) state.SkipWithError("the temporary file could not be written");
    for (auto _ : state) benchmark::DoNotOptimize(checksum::md5_of_file(path));
    std::remove(path.c_str());
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(memory)->Name("digest/memory")->Arg(64)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(file)->Name("digest/file")->Arg(1 << 10)->Arg(64 << 10);

} // namespace
