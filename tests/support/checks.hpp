#pragma once

#include <algorithm>
#include <exception>

namespace test_support {

template <class T>
bool all_equal(const T& values, const typename T::value_type& expected) {
    return std::ranges::all_of(values, [&](const auto& each) { return each == expected; });
}

template <class Exception>
bool is_a(const std::exception_ptr& error) {
    if (error == nullptr) return false;
    try {
        std::rethrow_exception(error);
    } catch (const Exception&) {
        return true;
    } catch (...) {
        return false;
    }
}

} // namespace test_support
