// Guards against a pool wider than a container's CPU quota or an affinity mask allows (it would
// oversubscribe), and against one narrower because a quota file was misread. The sample control groups copy
// /proc and /sys/fs/cgroup of the kinds of machines named.

#include "support/temporary_directory.hpp"

#include <spmd/machine.hpp>

#include <catch2/catch.hpp>
#include <sched.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Catch::Matchers::Contains;

// A file tree shaped like the root of a machine.
class sample_machine {
public:
    void write(const std::string& path, const std::string& text) const { files_.write(path, text); }
    std::optional<double> quota() const { return spmd::cgroup_cpu_quota(files_.path()); }
    std::size_t threads() const { return spmd::available_threads(files_.path()); }

private:
    test_support::temporary_directory files_;
};

// Lines of mountinfo as Linux writes them, with and without optional tags.
const std::string ordinary_mounts = "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
                                    "24 22 0:22 / /proc rw,nosuid shared:12 - proc proc rw\n";

std::string v2_mount(const std::string& top, const std::string& point = "/sys/fs/cgroup") {
    return "35 24 0:30 " + top + " " + point + " rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
}

std::string v1_mount(const std::string& top, const std::string& point = "/sys/fs/cgroup/cpu,cpuacct") {
    return "40 32 0:35 " + top + " " + point +
           " ro,relatime - cgroup cgroup rw,cpu,cpuacct\n"
           "41 32 0:36 " +
           top + " /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";
}

void write_v2(const sample_machine& machine, const std::string& group, const std::string& top) {
    machine.write("proc/self/cgroup", "0::" + group + "\n");
    machine.write("proc/self/mountinfo", ordinary_mounts + v2_mount(top));
}

void write_v1(const sample_machine& machine, const std::string& group, const std::string& top) {
    machine.write("proc/self/cgroup",
                  "5:cpuset:/elsewhere\n4:cpu,cpuacct:" + group + "\n1:name=systemd:/init\n");
    machine.write("proc/self/mountinfo", ordinary_mounts + v1_mount(top));
}

void write_v1_limit(const sample_machine& machine, const std::string& directory, const std::string& quota,
                    const std::string& period) {
    machine.write(directory + "/cpu.cfs_quota_us", quota + "\n");
    machine.write(directory + "/cpu.cfs_period_us", period + "\n");
}

std::optional<double> quota_of_v2_limit(const std::string& cpu_max) {
    const sample_machine machine;
    write_v2(machine, "/job", "/");
    machine.write("sys/fs/cgroup/job/cpu.max", cpu_max);
    return machine.quota();
}

std::optional<double> quota_of_v1_limit(const std::string& quota, const std::string& period) {
    const sample_machine machine;
    write_v1(machine, "/job", "/");
    write_v1_limit(machine, "sys/fs/cgroup/cpu,cpuacct/job", quota, period);
    return machine.quota();
}

constexpr std::optional<double> none = std::nullopt;

// Result of `function` on a thread pinned to one CPU.
template <class Function>
auto on_a_thread_pinned_to(int cpu, Function function) {
    std::optional<decltype(function())> result;
    std::thread([&] {
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(static_cast<std::size_t>(cpu), &only);
        if (sched_setaffinity(0, sizeof only, &only) == 0) {
            result = function();
        }
    }).join();
    return result;
}

} // namespace

TEST_CASE("version 2: the group's own limit is read", "[machine]") {
    const sample_machine machine;
    write_v2(machine, "/user.slice/job", "/");
    machine.write("sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n");
    CHECK(machine.quota() == 1.5);
}

TEST_CASE("version 2: the smallest limit of the group and its ancestors applies", "[machine]") {
    const sample_machine machine;
    write_v2(machine, "/a/b/c", "/");
    machine.write("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    machine.write("sys/fs/cgroup/a/b/cpu.max", "50000 20000\n");
    machine.write("sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    machine.write("sys/fs/cgroup/a/sibling/cpu.max", "10000 100000\n");
    CHECK(machine.quota() == 2.5);
    machine.write("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
    CHECK(machine.quota() == 2.5);
    machine.write("sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK(machine.quota() == 2.0);
}

TEST_CASE("version 2: in a container with its own namespace the group is the mount's root", "[machine]") {
    const sample_machine machine;
    write_v2(machine, "/", "/");
    machine.write("sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK(machine.quota() == 2.0);
}

TEST_CASE("version 2: a container that sees its group under the host's name finds it at the mount",
          "[machine]") {
    const sample_machine machine;
    write_v2(machine, "/docker/4f1c/inner", "/docker/4f1c");
    machine.write("sys/fs/cgroup/cpu.max", "700000 100000\n");
    machine.write("sys/fs/cgroup/inner/cpu.max", "350000 100000\n");
    CHECK(machine.quota() == 3.5);
}

TEST_CASE("version 2: a group outside the namespace falls back to the mount's own", "[machine]") {
    const std::array<std::array<std::string, 2>, 5> groups_and_tops{{
        {"/../..", "/"},
        {"/../other", "/"},
        {"/../..", "/../.."},
        {"/", "/../.."},
        {"/docker/one", "/docker/another"},
    }};
    for (const auto& [group, top] : groups_and_tops) {
        CAPTURE(group, top);
        const sample_machine machine;
        write_v2(machine, group, top);
        machine.write("sys/fs/cgroup/cpu.max", "250000 100000\n");
        machine.write("sys/fs/cpu.max", "10000 100000\n"); // outside the control groups
        machine.write("sys/cpu.max", "10000 100000\n");
        CHECK(machine.quota() == 2.5);
    }
}

TEST_CASE("version 2: a sibling group is resolved relative to an outer mount", "[machine]") {
    const sample_machine machine;
    write_v2(machine, "/../../sibling", "/../..");
    machine.write("sys/fs/cgroup/sibling/cpu.max", "125000 100000\n");
    CHECK(machine.quota() == 1.25);
}

TEST_CASE("only the mounts that hold the group are read", "[machine]") {
    const sample_machine machine;
    machine.write("proc/self/cgroup", "0::/a/b\n");
    machine.write("proc/self/mountinfo",
                  v2_mount("/other", "/mnt/other") + v2_mount("/a/b", "/mnt/own") + v2_mount("/"));
    machine.write("mnt/other/cpu.max", "100000 100000\n");
    machine.write("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    CHECK(machine.quota() == 3.0);
    machine.write("mnt/own/cpu.max", "200000 100000\n");
    CHECK(machine.quota() == 2.0);
}

TEST_CASE("names with spaces, colons and backslashes are decoded", "[machine]") {
    const sample_machine machine;
    machine.write("proc/self/cgroup", "0::/my job:1\\x\n");
    machine.write("proc/self/mountinfo", v2_mount("/", "/mnt/control\\040groups"));
    machine.write("mnt/control groups/my job:1\\x/cpu.max", "100000 100000\n");
    CHECK(machine.quota() == 1.0);
}

TEST_CASE("version 2: an unlimited or malformed quota sets no limit", "[machine]") {
    CHECK(quota_of_v2_limit("max 100000\n") == none);
    CHECK(quota_of_v2_limit("100000 0\n") == none);
    CHECK(quota_of_v2_limit("0 100000\n") == none);
    CHECK(quota_of_v2_limit("-1 100000\n") == none);
    CHECK(quota_of_v2_limit("100000\n") == none);
    CHECK(quota_of_v2_limit("100000 100000 1\n") == none);
    CHECK(quota_of_v2_limit("") == none);
    CHECK(quota_of_v2_limit("ten 100000\n") == none);
    CHECK(quota_of_v2_limit("1e5 100000\n") == none);
    CHECK(quota_of_v2_limit("100000 100000us\n") == none);
    CHECK(quota_of_v2_limit("99999999999999999999 100000\n") == none);
    CHECK(quota_of_v2_limit("100000 100000") == 1.0);
}

TEST_CASE("version 1: the smallest ratio of quota to period applies", "[machine]") {
    const sample_machine machine;
    write_v1(machine, "/a/b", "/");
    write_v1_limit(machine, "sys/fs/cgroup/cpu,cpuacct/a/b", "-1", "100000");
    CHECK(machine.quota() == none);
    write_v1_limit(machine, "sys/fs/cgroup/cpu,cpuacct/a", "25000", "10000");
    CHECK(machine.quota() == 2.5);
    write_v1_limit(machine, "sys/fs/cgroup/cpu,cpuacct/a/b", "300000", "200000");
    CHECK(machine.quota() == 1.5);
}

TEST_CASE("version 1: a container finds its group at the mount", "[machine]") {
    const sample_machine machine;
    write_v1(machine, "/docker/4f1c", "/docker/4f1c");
    write_v1_limit(machine, "sys/fs/cgroup/cpu,cpuacct", "400000", "100000");
    CHECK(machine.quota() == 4.0);
}

TEST_CASE("version 1: an unlimited or malformed quota sets no limit", "[machine]") {
    CHECK(quota_of_v1_limit("-1", "100000") == none);
    CHECK(quota_of_v1_limit("0", "100000") == none);
    CHECK(quota_of_v1_limit("100000", "0") == none);
    CHECK(quota_of_v1_limit("100000", "") == none);
    CHECK(quota_of_v1_limit("", "100000") == none);
    CHECK(quota_of_v1_limit("many", "100000") == none);
    CHECK(quota_of_v1_limit("150000", "100000") == 1.5);
}

TEST_CASE("hybrid: the hierarchy that has the CPU controller is read", "[machine]") {
    const sample_machine machine;
    machine.write("proc/self/cgroup", "4:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/unit\n");
    machine.write("proc/self/mountinfo",
                  ordinary_mounts + v1_mount("/") + v2_mount("/", "/sys/fs/cgroup/unified"));
    write_v1_limit(machine, "sys/fs/cgroup/cpu,cpuacct/job", "200000", "100000");
    CHECK(machine.quota() == 2.0);
    machine.write("sys/fs/cgroup/unified/unit/cpu.max", "300000 100000\n");
    CHECK(machine.quota() == 2.0);
    machine.write("sys/fs/cgroup/unified/unit/cpu.max", "50000 100000\n");
    CHECK(machine.quota() == 0.5);
}

TEST_CASE("missing or unreadable files set no limit", "[machine]") {
    const sample_machine machine;
    CHECK(machine.quota() == none);
    machine.write("proc/self/cgroup", "0::/job\n");
    CHECK(machine.quota() == none);
    machine.write("proc/self/mountinfo", "\n35\n35 24 0:30 / -\n35 24 0:30 / /sys/fs/cgroup rw -\n");
    CHECK(machine.quota() == none);
    machine.write("proc/self/mountinfo", v2_mount("/"));
    CHECK(machine.quota() == none);
    machine.write("sys/fs/cgroup/cpu.max", "100000 100000\n");
    CHECK(machine.quota() == 1.0);
    machine.write("proc/self/cgroup", "\n0\n0:\n:::\n");
    CHECK(machine.quota() == none);
}

TEST_CASE("a quota is rounded up to threads, at least one and at most the allowed CPUs", "[machine]") {
    const std::size_t cpus = spmd::allowed_cpus().size();
    const sample_machine machine;
    write_v2(machine, "/", "/");
    CHECK(machine.threads() == cpus);
    machine.write("sys/fs/cgroup/cpu.max", "10000 100000\n");
    CHECK(machine.threads() == 1);
    machine.write("sys/fs/cgroup/cpu.max", "100001 100000\n");
    CHECK(machine.threads() == std::min<std::size_t>(2, cpus));
    machine.write("sys/fs/cgroup/cpu.max", "9000000000000000000 1\n");
    CHECK(machine.threads() == cpus);
}

TEST_CASE("this machine allows at least one thread and at most its allowed CPUs", "[machine]") {
    CHECK(spmd::available_threads() >= 1);
    CHECK(spmd::available_threads() <= spmd::allowed_cpus().size());
}

TEST_CASE("the allowed CPUs are those of the affinity mask", "[machine]") {
    const std::vector<int> cpus = spmd::allowed_cpus();
    REQUIRE_FALSE(cpus.empty());
    CHECK(std::ranges::adjacent_find(cpus, std::greater_equal<>()) == cpus.end());
    for (const int cpu : cpus) {
        CHECK(on_a_thread_pinned_to(cpu, spmd::allowed_cpus) == std::vector<int>{cpu});
        CHECK(on_a_thread_pinned_to(cpu, [] { return spmd::available_threads(); }) == std::size_t{1});
    }
}
