// Guards against: a report that does not name the CPU.

#include <catch2/catch.hpp>
#include <spmd_bench/run/machine.hpp>

#include <sstream>

TEST_CASE("the CPU's name is the first one in cpuinfo") {
    std::istringstream x86("processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9J14\nflags\t\t: fpu\n"
                           "model name\t: another\n");
    CHECK(spmd_bench::model_name_in(x86) == "AMD EPYC 9J14");
    std::istringstream arm("processor\t: 0\nCPU implementer\t: 0x41\n");
    CHECK(spmd_bench::model_name_in(arm).empty());
    CHECK_FALSE(spmd_bench::cpu_model().empty());
}
