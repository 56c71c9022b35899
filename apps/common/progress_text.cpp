#include <common/progress_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace apps {

std::string percent(std::uint64_t done, std::uint64_t total) {
    const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
    return fmt::format("{:3.0f} %", std::floor(100 * std::min(share, 1.0)));
}

std::string size_text(double bytes) {
    constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
    constexpr double next = 1024;
    std::size_t unit = 0;
    for (; unit + 1 < units.size() && bytes >= next; ++unit) bytes /= next;
    // Figures just below 10 and 100 are not rounded up to one digit more.
    const int decimals = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    return fmt::format("{:.{}f} {}", bytes, decimals, units[unit]);
}

std::string clock_text(std::chrono::nanoseconds time) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(time).count();
    constexpr int base = 60;
    const auto minutes = seconds / base;
    if (minutes < base) return fmt::format("{}:{:02}", minutes, seconds % base);
    return fmt::format("{}:{:02}:{:02}", minutes / base, minutes % base, seconds % base);
}

std::string time_left(std::chrono::nanoseconds elapsed, std::uint64_t done, std::uint64_t total) {
    if (done == 0) return {};
    const double left = static_cast<double>(total - std::min(done, total)) / static_cast<double>(done);
    const std::chrono::duration<double> time = elapsed * left;
    constexpr std::chrono::hours longest{1000};
    if (time > longest) return "1000 h left";
    return clock_text(std::chrono::duration_cast<std::chrono::nanoseconds>(time)) + " left";
}

} // namespace apps
