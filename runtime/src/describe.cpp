#include <spmd/detail/describe.hpp>

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace spmd::detail {

std::string text_of(const std::source_location& where) {
    std::string text = where.file_name();
    text.erase(0, text.rfind('/') + 1);
    text += ':';
    text += std::to_string(where.line());
    return text;
}

std::string name_of(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    return status == 0 ? name.get() : type.name();
}

} // namespace spmd::detail
