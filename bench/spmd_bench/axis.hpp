#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace spmd_bench {

/// A list of values is malformed. The message says what it has to be, and which part of it is not.
class axis_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// How one value of an axis is written, and which ones there are.
struct axis_syntax {
    std::function<std::optional<double>(std::string_view)> parse; ///< nothing: no value, or one out of bounds
    std::string expected;                                         ///< "a whole number from 1 to 4096"
    bool whole = true; ///< values between whole numbers are rounded
};

/// More values than this are a slip of the pen.
inline constexpr std::size_t most_axis_values = 10'000;

/// The values of `1,4`, `1:4096:*4` (1, 4, … 4096), `0:10us:+2us` or a list of such, each once, in their order. A
/// range ends with the last value that is not above its end. Throws: axis_error.
std::vector<double> parse_axis(std::string_view text, const axis_syntax& syntax);

/// The parts of a text between the signs `at`: one more than there are of these.
std::vector<std::string> split(std::string_view text, char at);

} // namespace spmd_bench
