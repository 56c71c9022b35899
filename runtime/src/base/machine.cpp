#define TBB_PREVIEW_TASK_ARENA_CONSTRAINTS_EXTENSION 1

#include <spmd/machine.hpp>

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>

namespace spmd {
namespace {

namespace fs = std::filesystem;
namespace tbb = oneapi::tbb;

// ---- affinity ----

struct free_cpu_set {
    void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};

std::vector<int> all_cpus() {
    std::vector<int> cpus(std::max(1U, std::thread::hardware_concurrency()));
    std::iota(cpus.begin(), cpus.end(), 0);
    return cpus;
}

/// Returns the mask of the calling thread, empty unless it fits `cpu_count` CPUs.
std::vector<int> allowed_cpus_below(int cpu_count) {
    const std::unique_ptr<cpu_set_t, free_cpu_set> set(CPU_ALLOC(static_cast<std::size_t>(cpu_count)));
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpu_count));
    std::vector<int> cpus;
    if (!set || sched_getaffinity(0, bytes, set.get()) != 0) return cpus;
    for (int cpu = 0; cpu < cpu_count; ++cpu) {
        if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set.get())) {
            cpus.push_back(cpu);
        }
    }
    return cpus;
}

// ---- control groups ----

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream(line);
    return {std::istream_iterator<std::string>(stream), {}};
}

std::vector<std::string> lines_of(const fs::path& file) {
    std::ifstream stream(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(std::move(line));
    }
    return lines;
}

bool lists(const std::string& comma_separated, const std::string& name) {
    return ("," + comma_separated + ",").find("," + name + ",") != std::string::npos;
}

bool is_octal(char digit) { return digit >= '0' && digit <= '7'; }

/// Decodes space, tab, newline and backslash, which mountinfo writes as \ooo in paths.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                            is_octal(text[i + 2]) && is_octal(text[i + 3]);
        if (!escape) {
            plain += text[i];
            continue;
        }
        plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
        i += 3;
    }
    return plain;
}

enum class cgroup_version { v1, v2 };

/// A mounted hierarchy: the group `top` and its descendants are directories at and below `point`.
struct cgroup_mount {
    fs::path top;
    fs::path point;
};

/// Returns the group of this process in the hierarchy that limits CPU time, if any.
std::optional<fs::path> own_group(const fs::path& root, cgroup_version version) {
    for (const std::string& line : lines_of(root / "proc/self/cgroup")) {
        // hierarchy:controllers:path, and the path may contain colons
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool unified = line.substr(0, first) == "0" && controllers.empty();
        if (version == cgroup_version::v2 ? unified : lists(controllers, "cpu")) {
            return line.substr(second + 1);
        }
    }
    return std::nullopt;
}

std::vector<cgroup_mount> cgroup_mounts(const fs::path& root, cgroup_version version) {
    std::vector<cgroup_mount> mounts;
    for (const std::string& line : lines_of(root / "proc/self/mountinfo")) {
        // id parent device top point options [tags…] - type [source] super_options
        const std::vector<std::string> words = words_of(line);
        const auto dash = std::ranges::find(words, "-");
        if (dash - words.begin() < 6 || words.end() - dash < 3) continue;
        const bool wanted = version == cgroup_version::v2 ? dash[1] == "cgroup2"
                                                          : dash[1] == "cgroup" && lists(words.back(), "cpu");
        if (wanted) {
            mounts.push_back({unescaped(words[3]), root / fs::path(unescaped(words[4])).relative_path()});
        }
    }
    return mounts;
}

/// Returns the path of `group` relative to the mount's top, or nothing if it is not below that.
std::optional<fs::path> path_below(const cgroup_mount& mount, const fs::path& group) {
    const auto [top, rest] = std::ranges::mismatch(mount.top, group);
    if (top != mount.top.end()) return std::nullopt;
    fs::path path;
    for (auto part = rest; part != group.end(); ++part) {
        if (*part == "..") return std::nullopt; // above the namespace of the mount
        path /= *part;
    }
    return path;
}

/// Parses a positive number of microseconds; nothing unless it is the whole text.
std::optional<double> positive_microseconds(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
    return static_cast<double>(value);
}

std::optional<double> quota_over_period(std::string_view quota, std::string_view period) {
    const std::optional<double> allowed = positive_microseconds(quota); // "max" and -1: no limit
    const std::optional<double> every = positive_microseconds(period);
    if (!allowed || !every) return std::nullopt;
    return *allowed / *every;
}

/// Returns the words of the file's first line if there are `count` of them.
std::optional<std::vector<std::string>> words_of_file(const fs::path& file, std::size_t count) {
    const std::vector<std::string> lines = lines_of(file);
    if (lines.empty()) return std::nullopt;
    std::vector<std::string> words = words_of(lines.front());
    return words.size() == count ? std::optional(std::move(words)) : std::nullopt;
}

/// Returns the limit that one group sets for itself.
std::optional<double> quota_of(const fs::path& group_directory, cgroup_version version) {
    if (version == cgroup_version::v2) {
        const auto limit = words_of_file(group_directory / "cpu.max", 2);
        return limit ? quota_over_period((*limit)[0], (*limit)[1]) : std::nullopt;
    }
    const auto quota = words_of_file(group_directory / "cpu.cfs_quota_us", 1);
    const auto period = words_of_file(group_directory / "cpu.cfs_period_us", 1);
    return quota && period ? quota_over_period(quota->front(), period->front()) : std::nullopt;
}

std::optional<double> smaller(std::optional<double> a, std::optional<double> b) {
    return a && b ? std::min(*a, *b) : (a ? a : b);
}

/// Returns the smallest limit on the path from the mount point down to the group.
std::optional<double> quota_along(const cgroup_mount& mount, const fs::path& path, cgroup_version version) {
    fs::path directory = mount.point;
    std::optional<double> smallest = quota_of(directory, version);
    for (const fs::path& part : path) {
        directory /= part;
        smallest = smaller(smallest, quota_of(directory, version));
    }
    return smallest;
}

std::optional<double> quota_in(const fs::path& root, cgroup_version version) {
    const std::optional<fs::path> group = own_group(root, version);
    if (!group) return std::nullopt;
    const std::vector<cgroup_mount> mounts = cgroup_mounts(root, version);
    const bool visible = std::ranges::any_of(
        mounts, [&](const cgroup_mount& mount) { return path_below(mount, *group).has_value(); });
    std::optional<double> smallest;
    for (const cgroup_mount& mount : mounts) {
        const std::optional<fs::path> path = path_below(mount, *group);
        if (path || !visible) {
            smallest = smaller(smallest, quota_along(mount, path.value_or(fs::path()), version));
        }
    }
    return smallest;
}

// ---- NUMA nodes and core types ----

template <class Constrain>
std::vector<machine_part> parts_of(const std::vector<int>& ids, const Constrain& constrain) {
    std::vector<machine_part> parts;
    for (const int id : ids) {
        if (id < 0) return {}; // oneTBB could not determine them
        const int threads = tbb::info::default_concurrency(constrain(id));
        parts.push_back({id, static_cast<std::size_t>(threads)});
    }
    return parts;
}

} // namespace

std::vector<int> allowed_cpus() {
    // The kernel refuses a set shorter than its own, and does not report the length of that.
    constexpr int most_cpus = 1 << 20;
    for (int cpu_count = CPU_SETSIZE; cpu_count <= most_cpus; cpu_count *= 2) {
        std::vector<int> cpus = allowed_cpus_below(cpu_count);
        if (!cpus.empty()) return cpus;
    }
    return all_cpus();
}

std::optional<double> cgroup_cpu_quota(const std::string& root) {
    return smaller(quota_in(root, cgroup_version::v1), quota_in(root, cgroup_version::v2));
}

std::size_t available_threads(const std::string& root) {
    const std::size_t cpus = allowed_cpus().size();
    const double quota = std::ceil(cgroup_cpu_quota(root).value_or(static_cast<double>(cpus)));
    // Compared as doubles, since a quota may exceed every size_t.
    return quota < static_cast<double>(cpus) ? static_cast<std::size_t>(quota) : cpus;
}

machine_topology this_machine() {
    using constraints = tbb::task_arena::constraints;
    return {parts_of(tbb::info::numa_nodes(), [](int id) { return constraints{}.set_numa_id(id); }),
            parts_of(tbb::info::core_types(), [](int id) { return constraints{}.set_core_type(id); })};
}

} // namespace spmd
