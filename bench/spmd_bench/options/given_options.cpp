#include "spmd_bench/options/given_options.hpp"

#include "spmd_bench/options/units.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace spmd_bench {

namespace po = boost::program_options;

given_options::given_options(const std::vector<std::string>& arguments, po::options_description accepted,
                             const std::string& positional) {
    const std::string stray = positional.empty() ? "stray" : positional;
    accepted.add_options()(stray.c_str(), po::value<std::vector<std::string>>());
    po::positional_options_description others;
    others.add(stray.c_str(), -1);
    try {
        using po::command_line_style::allow_guessing;
        using po::command_line_style::unix_style;
        po::store(po::command_line_parser(arguments)
                      .options(accepted)
                      .positional(others)
                      .style(unix_style & ~allow_guessing)
                      .run(),
                  given_);
    } catch (const po::error& error) {
        throw option_error(error.what());
    }
    if (positional.empty() && has(stray))
        throw option_error(fmt::format("unrecognised argument '{}'", texts(stray).front()));
}

std::string given_options::text(const std::string& name) const {
    auto value = given_[name].as<std::string>();
    if (value.empty()) throw option_error("--" + name + " has an empty value");
    return value;
}

std::vector<std::string> given_options::texts(const std::string& name) const {
    return has(name) ? given_[name].as<std::vector<std::string>>() : std::vector<std::string>{};
}

void given_options::read_count(const std::string& name, std::size_t& target, std::uint64_t least,
                               std::uint64_t most) const {
    if (!has(name)) return;
    const auto count = parse_count(text(name));
    if (!count || *count < least || *count > most)
        throw option_error(
            fmt::format("--{} is {}, not '{}'", name, counts(least, most).expected, text(name)));
    target = *count;
}

void given_options::refuse(const std::string& name, std::string_view reason) const {
    if (has(name)) throw option_error(fmt::format("--{} {}", name, reason));
}

std::vector<double> given_options::parse(const std::string& name, const std::string& text,
                                         const axis_syntax& syntax) {
    try {
        return parse_axis(text, syntax);
    } catch (const axis_error& error) {
        throw option_error(fmt::format("--{} {}", name, error.what()));
    }
}

std::string given_options::with_underscores(std::string text) {
    std::ranges::replace(text, '-', '_');
    return text;
}

} // namespace spmd_bench
