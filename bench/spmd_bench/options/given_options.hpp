#pragma once

#include "spmd_bench/options/axis.hpp"
#include "spmd_bench/options/names.hpp"
#include "spmd_bench/options/sweep.hpp"

#include <boost/program_options.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace spmd_bench {

/// An option is unknown, malformed, or of no use with another one. The message is one line for the user.
class option_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The enumerator of that name. Throws: option_error, whose message begins with `subject`.
template <has_names Enum>
Enum named_value(const std::string& subject, std::string_view name) {
    try {
        return named_by<Enum>(name);
    } catch (const name_error& error) {
        throw option_error(subject + ' ' + error.what());
    }
}

/// The options of a command line, by name without the dashes. Every reader leaves its target alone where the
/// option was not given, and throws option_error, which names the option, for a malformed value.
class given_options {
public:
    /// Parses arguments without the program's name. Arguments that are not options are the values of
    /// `positional`, as texts(); without it they are an error. Throws: option_error.
    given_options(const std::vector<std::string>& arguments,
                  boost::program_options::options_description accepted, const std::string& positional = {});

    bool has(const std::string& name) const { return given_.count(name) != 0; }
    /// Requires: has(name). Throws: option_error for an empty value.
    std::string text(const std::string& name) const;
    /// The values of an option that may be repeated.
    std::vector<std::string> texts(const std::string& name) const;

    /// A whole number of least … most.
    void read_count(const std::string& name, std::size_t& target, std::uint64_t least,
                    std::uint64_t most) const;

    /// A list of values; `target` keeps its text, too.
    template <class T>
    void read_axis(const std::string& name, axis<T>& target, const axis_syntax& syntax) const {
        if (!has(name)) return;
        target = {{}, text(name)};
        for (const double value : parse(name, target.text, syntax))
            target.values.push_back(value_of<T>(value));
    }

    /// An enumerator; '-' and '_' are alike.
    template <has_names Enum>
    void read_name(const std::string& name, Enum& target) const {
        if (!has(name)) return;
        target = named_value<Enum>("--" + name, with_underscores(text(name)));
    }

    /// The result of `read` from the parsed options, for options that several tools share.
    template <class Read>
    auto shared(Read read) const {
        try {
            return read(given_);
        } catch (const boost::program_options::error& error) {
            throw option_error(error.what());
        }
    }

    /// Throws option_error where the option is given: "--skew is for --workload mixed".
    void refuse(const std::string& name, std::string_view reason) const;

private:
    static std::vector<double> parse(const std::string& name, const std::string& text,
                                     const axis_syntax& syntax);
    static std::string with_underscores(std::string text);

    template <class T>
    static T value_of(double number) {
        if constexpr (std::is_same_v<T, std::chrono::nanoseconds>)
            return T(std::llround(number));
        else
            return static_cast<T>(number);
    }

    boost::program_options::variables_map given_;
};

} // namespace spmd_bench
