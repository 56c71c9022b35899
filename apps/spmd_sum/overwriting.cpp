#include <spmd_sum/overwriting.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace spmd_sum {
namespace {

/// A file that is read or written, existing or not.
struct involved_file {
    std::filesystem::path path{}; // without symbolic links; empty for a standard stream
    struct stat status{};         // if it exists
    bool exists = false;
};

involved_file file_at(const std::string& path) {
    involved_file file;
    std::error_code unresolved;
    file.path = std::filesystem::weakly_canonical(path, unresolved);
    file.exists = ::stat(path.c_str(), &file.status) == 0;
    return file;
}

involved_file file_of_stream(int descriptor) {
    involved_file file;
    file.exists = ::fstat(descriptor, &file.status) == 0;
    return file;
}

bool is_same(const involved_file& one, const involved_file& other) {
    if (one.exists != other.exists) return false;
    if (!one.exists) return !one.path.empty() && one.path == other.path;
    return S_ISREG(one.status.st_mode) &&
           checksum::identity_of(one.status) == checksum::identity_of(other.status);
}

struct described_file {
    std::string description;
    involved_file file;
};

std::vector<described_file> inputs_of(const request& wanted) {
    std::vector<described_file> inputs;
    if (!wanted.names_file.empty() && wanted.names_file != "-")
        inputs.push_back({"the file of names", file_at(wanted.names_file)});
    for (const std::string& operand : wanted.operands)
        if (operand != "-") inputs.push_back({wanted.check ? "a manifest" : "an operand", file_at(operand)});
    // Even if no operand names it: a manifest may list it, and a loop of the shell may still read it.
    inputs.push_back({"standard input", file_of_stream(STDIN_FILENO)});
    return inputs;
}

std::string overwritten(const char* option, const std::string& path,
                        const std::vector<described_file>& others) {
    const involved_file written = file_at(path);
    for (const described_file& other : others)
        if (is_same(written, other.file))
            return std::string(option) + " would overwrite " + other.description + ": '" + path + "'";
    return {};
}

} // namespace

std::string overwritten_input(const request& wanted) {
    if (wanted.output.empty() && wanted.trace.path.empty()) return {};
    std::vector<described_file> others = inputs_of(wanted);
    std::string found;
    if (!wanted.output.empty()) found = overwritten("--output", wanted.output, others);
    if (!found.empty() || wanted.trace.path.empty()) return found;
    others.push_back(
        {"the output", wanted.output.empty() ? file_of_stream(STDOUT_FILENO) : file_at(wanted.output)});
    return overwritten("--trace", wanted.trace.path, others);
}

std::vector<std::string> output_names(const request& wanted) {
    std::error_code unknown;
    std::vector<std::string> names;
    if (wanted.output.empty())
        names.push_back(std::filesystem::read_symlink("/proc/self/fd/1", unknown).filename());
    else
        names.push_back(file_at(wanted.output).path.filename());
    if (!wanted.trace.path.empty()) names.push_back(file_at(wanted.trace.path).path.filename());
    return names;
}

} // namespace spmd_sum
