#include <spmd/machine.hpp>
#include <spmd/version.hpp>

#include <benchmark/benchmark.h>
#include <environment/source_commit.hpp>
#include <oneapi/tbb/version.h>

#include <string>

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::AddCustomContext("version", SPMD_VERSION);
    benchmark::AddCustomContext("commit", std::string(spmd_bench::source_commit));
    benchmark::AddCustomContext("compiler", __VERSION__);
    benchmark::AddCustomContext("oneTBB", TBB_runtime_version());
    benchmark::AddCustomContext("threads", std::to_string(spmd::available_threads()));
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
