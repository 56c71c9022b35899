#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// A list of values is malformed. The message continues a sentence that names the option: "is a whole number
/// from 1 to 9, not '0'".
class axis_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The text of one value of an axis.
struct axis_syntax {
    std::function<std::optional<double>(std::string_view)> parse; ///< nothing: malformed, or out of bounds
    std::string expected;                                         ///< "a whole number from 1 to 4096"
    bool whole = true; ///< values between whole numbers are rounded
};

/// Whole numbers of least … most.
axis_syntax counts(std::uint64_t least, std::uint64_t most);
/// As counts(), or "auto", which is 0.
axis_syntax counts_or_auto(std::uint64_t least, std::uint64_t most);
/// Sizes in bytes, as parse_size() reads them.
axis_syntax sizes();
/// Times in nanoseconds, as parse_duration() reads them.
axis_syntax durations();
/// Numbers of 0 … most.
axis_syntax decimals(double most);

/// Upper bound on the values of one axis: more are a typing error.
inline constexpr std::size_t most_axis_values = 10'000;

/// Parses `1,4`, `1:4096:*4` (1, 4, … 4096), `0:10us:+2us` or a list of these: each value once, in their
/// order. A range ends with the last value that is not above its end. Throws: axis_error.
std::vector<double> parse_axis(std::string_view text, const axis_syntax& syntax);

/// Splits a text at each separator; the parts are one more than the separators, and may be empty.
std::vector<std::string> split(std::string_view text, char separator);

} // namespace spmd_bench
