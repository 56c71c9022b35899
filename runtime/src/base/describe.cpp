#include <spmd/detail/base/describe.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

namespace spmd::detail {
namespace {

constexpr std::size_t most_ranges_named = 4;

void erase_all(std::string& text, std::string_view part) {
    for (std::size_t found = text.find(part); found != std::string::npos; found = text.find(part, found))
        text.erase(found, part.size());
}

/// True for a default template argument of the standard library; `first` is the template's first argument.
bool is_default(const std::string& argument, const std::string& first) {
    if (argument.starts_with("std::allocator<") || argument.starts_with("std::char_traits<")) return true;
    constexpr std::array derived{"std::less<", "std::hash<", "std::equal_to<", "std::default_delete<"};
    for (const std::string_view name : derived)
        if (argument.starts_with(name)) return argument.substr(name.size()) == first + ">";
    return false;
}

/// Parses a type as the demangler spells it and shortens it to what people write.
class type_reader {
public:
    explicit type_reader(std::string_view text) : text_(text) {}

    /// Reads a type up to the comma or bracket that closes the enclosing list.
    std::string type() {
        std::string name;
        for (; !failed_ && next() != '\0' && next() != ',' && next() != '>' && next() != ')';) {
            const char c = text_[position_++];
            if (c == '<')
                name = with_arguments(name);
            else if (c == '(')
                name += '(' + joined(list(')')) + ')';
            else
                name += c;
        }
        return name;
    }
    bool has_read_all() const { return !failed_ && position_ == text_.size(); }

private:
    char next() const { return position_ < text_.size() ? text_[position_] : '\0'; }
    bool skip(char c) {
        if (next() != c) return false;
        ++position_;
        return true;
    }
    std::vector<std::string> list(char closing) {
        std::vector<std::string> all;
        while (!skip(closing)) {
            all.push_back(type());
            if (skip(','))
                skip(' ');
            else if (next() != closing)
                failed_ = true;
            if (failed_) break;
        }
        return all;
    }
    static std::string joined(const std::vector<std::string>& all) {
        std::string text;
        for (const std::string& each : all) text += text.empty() ? each : ", " + each;
        return text;
    }
    std::string with_arguments(const std::string& name) {
        std::vector<std::string> arguments = list('>');
        for (std::string& each : arguments)
            while (each.ends_with(' ')) each.pop_back();
        if (name.starts_with("std::"))
            while (arguments.size() > 1 && is_default(arguments.back(), arguments.front()))
                arguments.pop_back();
        const bool is_of_char = arguments.size() == 1 && arguments[0] == "char";
        if (is_of_char && name == "std::basic_string") return "std::string";
        if (is_of_char && name == "std::basic_string_view") return "std::string_view";
        return name + '<' + joined(arguments) + '>';
    }

    std::string_view text_;
    std::size_t position_ = 0;
    bool failed_ = false;
};

} // namespace

std::string text_of(const std::source_location& where) {
    std::string text = where.file_name();
    text.erase(0, text.rfind('/') + 1);
    text += ':';
    text += std::to_string(where.line());
    return text;
}

std::string readable_type(std::string_view demangled) {
    std::string plain(demangled);
    erase_all(plain, "__cxx11::");
    erase_all(plain, "(anonymous namespace)::");
    type_reader reader(plain);
    std::string readable = reader.type();
    return reader.has_read_all() ? readable : plain;
}

std::string name_of(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    return status == 0 ? readable_type(name.get()) : type.name();
}

std::string not_below(std::string_view name, std::size_t index, std::size_t count) {
    std::string text(name);
    text += ' ';
    text += std::to_string(index);
    text += " is not below ";
    text += std::to_string(count);
    return text;
}

void index_ranges::add(std::size_t index) {
    ++size_;
    if (!ranges_.empty() && ranges_.back().last == index)
        ++ranges_.back().last;
    else
        ranges_.push_back({index, index + 1});
}

std::string index_ranges::text(const std::string& singular) const {
    std::string text = singular + (size_ == 1 ? " " : "s ");
    std::size_t named = 0;
    for (std::size_t i = 0; i < std::min(ranges_.size(), most_ranges_named); ++i) {
        const index_range range = ranges_[i];
        if (i > 0) text += ", ";
        text += std::to_string(range.first);
        if (range.size() > 1) text += range.size() == 2 ? ", " : " to ";
        if (range.size() > 1) text += std::to_string(range.last - 1);
        named += range.size();
    }
    if (named < size_) {
        text += " and ";
        text += std::to_string(size_ - named);
        text += " more";
    }
    return text;
}

} // namespace spmd::detail
