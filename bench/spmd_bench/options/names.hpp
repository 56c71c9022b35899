#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace spmd_bench {

/// An enumerator and its text, on the command line and in reports.
template <class Enum>
struct named {
    std::string_view name;
    Enum value;
};

/// The texts of an enumeration, in the order in which users see them. Each enumeration specialises it as a
/// std::array of `named`, beside its definition.
template <class Enum>
inline constexpr auto names = nullptr;

template <class Enum>
concept has_names = std::is_enum_v<Enum> && !std::is_same_v<decltype(names<Enum>), const std::nullptr_t>;

/// A text names no enumerator. The message continues a sentence that names the option or the field: "is one
/// of a, b, not 'c'".
class name_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

template <has_names Enum>
constexpr std::string_view name_of(Enum value) {
    return std::ranges::find(names<Enum>, value, &named<Enum>::value)->name;
}

/// "files, memory, spin"
template <has_names Enum>
std::string listed_names() {
    std::string list;
    for (const auto& [name, value] : names<Enum>) list.append(list.empty() ? "" : ", ").append(name);
    return list;
}

/// The enumerator of that name. Throws: name_error.
template <has_names Enum>
Enum named_by(std::string_view name) {
    const auto found = std::ranges::find(names<Enum>, name, &named<Enum>::name);
    if (found == names<Enum>.end())
        throw name_error("is one of " + listed_names<Enum>() + ", not '" + std::string(name) + "'");
    return found->value;
}

} // namespace spmd_bench
