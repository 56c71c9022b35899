// MD5 of memory, and of a file of 1 KiB in the page cache.
#include <checksum/digest.hpp>

#include <benchmark/benchmark.h>
#include <environment/temporary_directory.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace {

void memory(benchmark::State& state) {
    const std::vector<std::byte> message(static_cast<std::size_t>(state.range(0)), std::byte{7});
    for (auto _ : state) benchmark::DoNotOptimize(checksum::md5_of(message));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void file(benchmark::State& state) {
    const std::string content(static_cast<std::size_t>(state.range(0)), 'x');
    spmd_bench::temporary_directory directory;
    directory.create();
    const std::string path = directory.write("file", content);
    for (auto _ : state) benchmark::DoNotOptimize(checksum::md5_of_file(path));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(memory)->Name("digest/memory")->Arg(64)->Arg(1 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(file)->Name("digest/file")->Arg(1 << 10)->Arg(64 << 10);

} // namespace
