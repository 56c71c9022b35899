#include <spmd_sum/manifest_check.hpp>

#include <checksum/sum_line.hpp>
#include <spmd_sum/json_line.hpp>
#include <spmd_sum/operand_stream.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <variant>

namespace spmd_sum {
namespace {

std::string warning_of(std::size_t count, const char* one, const char* many) {
    return "WARNING: " + std::to_string(count) + (count == 1 ? one : many);
}

auto steps_up(const std::filesystem::path& path) {
    return std::ranges::count(path, std::filesystem::path(".."));
}

/// The deepest common directory of two lexically normal paths; empty for relative paths with nothing in
/// common. If one path leads further up than the other, its topmost directory contains both.
std::filesystem::path common_directory(const std::filesystem::path& directory,
                                       const std::filesystem::path& other) {
    const auto most = std::max(steps_up(directory), steps_up(other));
    if (steps_up(directory) != steps_up(other)) {
        std::filesystem::path common;
        for (auto up = most; up > 0; --up) common /= "..";
        return common;
    }
    const auto end = std::ranges::mismatch(directory, other).in1;
    std::filesystem::path common;
    for (auto part = directory.begin(); part != end; ++part) common /= *part;
    return common;
}

/// Returns true if an entry is standard input while its manifest is read from there: summing it would consume
/// the other lines.
bool lists_itself(const checksum::manifest_reader& from, const checksum::manifest_entry& entry) {
    return entry.name == "-" && from.shares_standard_input();
}

std::optional<struct stat> status_of_input() {
    struct stat status{};
    if (::fstat(STDIN_FILENO, &status) != 0) return std::nullopt;
    return status;
}

} // namespace

manifest_check::manifest_check(const request& wanted, checksum::sum_options options,
                               checksum::hasher_options reading, const std::atomic<bool>& stop, printer& to)
    : wanted_{&wanted}, options_{std::move(options)}, reading_{std::move(reading)}, stop_{&stop}, to_{&to} {
    std::error_code unknown;
    here_ = std::filesystem::current_path(unknown);
}

bool manifest_check::check(const std::string& manifest) {
    tally_ = {};
    ahead_.reset();
    is_read_ = false;
    read_error_.clear();
    expected_.clear();
    try {
        checksum::manifest_reader from(manifest, wanted_->check->format, stop_);
        if (wanted_->check->lists_extra)
            if (const auto status = manifest == "-" ? status_of_input() : checksum::status_at(manifest))
                manifests_.push_back(checksum::identity_of(*status));
        checksum::sum_files([&](checksum::file_batch& batch) { return fill(from, batch); }, options_, *stop_,
                            [&](checksum::file_batch& batch) { judge(batch); });
        if (read_error_.empty()) return stop_->load() || conclude(from.name());
        to_->complain(read_error_);
        return false;
    } catch (const checksum::manifest_error& error) {
        to_->complain(error.what());
        return false;
    }
}

/// Fills a batch with entries of one algorithm, up to its capacity.
bool manifest_check::fill(checksum::manifest_reader& from, checksum::file_batch& batch) {
    std::vector<checksum::manifest_entry> entries;
    constexpr std::size_t most = checksum::files_in_range * checksum::ranges_in_batch;
    const auto has_some = [&] { return !entries.empty() || !batch.remarks.empty(); };
    while (entries.size() < most && !(has_some() && !ahead_ && from.would_wait()) &&
           read_ahead(from, batch)) {
        const checksum::algorithm* const digest_algorithm = algorithm_of(*ahead_);
        const bool is_input = ahead_->name == "-";
        require_not_overwritten(ahead_->name);
        if (!entries.empty() && (digest_algorithm != batch.digest_algorithm || is_input))
            break; // earlier entries do not wait for input
        batch.digest_algorithm = digest_algorithm;
        if (is_input) {
            add_standard_input(batch, reading_);
        } else {
            if (entries.size() % checksum::files_in_range == 0)
                batch.ranges.push_back({.may_be_links = true});
            batch.ranges.back().names.push_back(ahead_->name);
        }
        entries.push_back(std::move(*ahead_));
        ahead_.reset();
        if (is_input) break;
    }
    if (entries.empty() && batch.remarks.empty()) return false;
    const std::lock_guard lock(mutex_);
    expected_.push_back(std::move(entries));
    return true;
}

/// Reads until `ahead_` holds an entry; false at the end, and if the batch is full of remarks.
bool manifest_check::read_ahead(checksum::manifest_reader& from, checksum::file_batch& batch) {
    while (!ahead_ && !is_read_ && batch.remarks.size() < checksum::files_in_range) {
        auto line = next_of(from);
        if (auto* const entry = std::get_if<checksum::manifest_entry>(&line);
            entry != nullptr && !lists_itself(from, *entry) && algorithm_of(*entry) != nullptr) {
            ahead_ = std::move(*entry);
        } else if (std::holds_alternative<checksum::manifest_end>(line)) {
            is_read_ = true;
        } else {
            ++tally_.malformed;
            if (wanted_->check->warns_each_line)
                batch.remarks.push_back(from.name() + ": " + std::to_string(from.line_number()) +
                                        ": improperly formatted " + default_tag() + " checksum line");
        }
    }
    return ahead_.has_value();
}

/// Throws usage_error if the file is the one that --output replaces: it would be destroyed after its check.
void manifest_check::require_not_overwritten(const std::string& name) const {
    if (wanted_->output.empty() || name == "-") return;
    const auto status = checksum::status_at(name);
    const std::vector<checksum::file_identity>& outputs = wanted_->listing.outputs;
    if (status && std::ranges::find(outputs, checksum::identity_of(*status)) != outputs.end())
        throw usage_error("--output would overwrite a listed file: '" + wanted_->output + "'");
}

/// The next line; the end if the rest cannot be read, so that the entries before it are still checked.
std::variant<checksum::manifest_entry, checksum::malformed_line, checksum::manifest_end>
manifest_check::next_of(checksum::manifest_reader& from) {
    try {
        return from.next();
    } catch (const checksum::manifest_error& error) {
        read_error_ = error.what();
        return checksum::manifest_end{};
    }
}

/// The algorithm of an entry; null if there is none with digests of that size, or another one was requested.
const checksum::algorithm* manifest_check::algorithm_of(const checksum::manifest_entry& entry) {
    const auto [found, is_new] = algorithms_.try_emplace(entry.tag);
    if (is_new) {
        try {
            auto tagged = entry.tag.empty() ? wanted_->algorithm.value_or(checksum::algorithm("md5"))
                                            : checksum::algorithm(entry.tag);
            if (!wanted_->algorithm || tagged == *wanted_->algorithm)
                found->second = std::make_unique<const checksum::algorithm>(std::move(tagged));
        } catch (const checksum::unknown_algorithm&) {
            return nullptr; // and the null is kept for the tag
        }
    }
    const checksum::algorithm* const usable = found->second.get();
    return usable != nullptr && entry.digest.bytes().size() == usable->size() ? usable : nullptr;
}

std::string manifest_check::default_tag() const {
    return wanted_->algorithm ? wanted_->algorithm->tag() : "MD5";
}

void manifest_check::judge(checksum::file_batch& batch) {
    std::vector<checksum::manifest_entry> entries;
    {
        const std::lock_guard lock(mutex_);
        entries = std::move(expected_.front());
        expected_.pop_front();
    }
    if (wanted_->check->prints_any)
        for (const std::string& remark : batch.remarks) to_->complain(remark);
    std::size_t next = 0;
    for (const auto& sums : batch.sums)
        for (const checksum::file_sum& sum : sums) {
            if (!sum.is_done) is_over_ = true;
            if (!is_over_) judge(entries[next++], sum);
        }
    to_->print(std::exchange(text_, {}));
    to_->pause();
}

void manifest_check::judge(const checksum::manifest_entry& entry, const checksum::file_sum& sum) {
    ++tally_.entries;
    if (wanted_->check->lists_extra) named_.insert(key_of(entry.name));
    if (sum.error) {
        const bool is_missing = sum.error == std::errc::no_such_file_or_directory;
        if (is_missing && wanted_->check->ignores_missing) return;
        ++tally_.unreadable;
        to_->print(std::exchange(text_, {}));
        to_->complain(entry.name + ": " + sum.error.message());
        print_verdict(entry.name, is_missing ? "missing" : "unreadable", "FAILED open or read");
    } else if (sum.digest == entry.digest) {
        ++tally_.good;
        if (wanted_->check->prints_good) print_verdict(entry.name, "ok", "OK");
    } else {
        ++tally_.mismatched;
        print_verdict(entry.name, "mismatch", "FAILED");
    }
}

void manifest_check::print_verdict(const std::string& name, const char* status, const char* verdict) {
    if (!wanted_->check->prints_any) return;
    if (wanted_->is_json) return append_json_line(text_, name, {{"status", status}});
    const bool escapes = name.find('\n') != std::string::npos; // as in md5sum's verdicts
    if (escapes) {
        text_ += '\\';
        checksum::append_escaped(text_, name);
    } else {
        text_ += name;
    }
    text_ += ": ";
    text_ += verdict;
    text_ += '\n';
}

bool manifest_check::conclude(const std::string& name) {
    if (tally_.entries == 0) {
        to_->complain(name + ": no properly formatted checksum lines found");
        return false;
    }
    if (wanted_->check->prints_any) {
        const auto warn = [&](std::size_t count, const char* one, const char* many) {
            if (count > 0) to_->complain(warning_of(count, one, many));
        };
        warn(tally_.malformed, " line is improperly formatted", " lines are improperly formatted");
        warn(tally_.unreadable, " listed file could not be read", " listed files could not be read");
        warn(tally_.mismatched, " computed checksum did NOT match", " computed checksums did NOT match");
        if (wanted_->check->ignores_missing && tally_.good == 0)
            to_->complain(name + ": no file was verified");
    }
    return tally_.mismatched == 0 && tally_.unreadable == 0 &&
           (tally_.malformed == 0 || !wanted_->check->is_strict) &&
           (tally_.good > 0 || !wanted_->check->ignores_missing);
}

bool manifest_check::list_extra() {
    checksum::listing_options listing = wanted_->listing;
    listing.stop = stop_;
    const std::vector<std::string>& given = wanted_->check->extra_roots;
    std::size_t extra = 0;
    bool is_listed = true;
    for (const std::string& root : given.empty() ? roots_of_named() : given) {
        checksum::tree_lister tree(root, listing);
        extra += list_extra(tree);
        if (stop_->load()) return false;
        for (const checksum::listing_error& error : tree.take_errors()) {
            to_->complain(error.path + ": " + error.reason.message());
            is_listed = false;
        }
        if (wanted_->check->prints_any)
            for (const std::string& remark : remarks_on(root, tree.counts())) to_->complain(remark);
        to_->pause();
    }
    if (extra > 0 && wanted_->check->prints_any)
        to_->complain(warning_of(extra, " file is not listed", " files are not listed"));
    return extra == 0 && is_listed;
}

/// Returns the number of extra files.
std::size_t manifest_check::list_extra(checksum::tree_lister& tree) {
    std::size_t extra = 0;
    for (checksum::file_range files = tree.next(checksum::files_in_range); !files.names.empty();
         files = tree.next(checksum::files_in_range)) {
        for (const std::string& name : files.names) {
            const std::string path = files.directory + name;
            if (named_.contains(key_of(path)) || is_manifest(path)) continue;
            ++extra;
            print_verdict(path, "extra", "EXTRA");
        }
        to_->print(std::exchange(text_, {}));
    }
    return extra;
}

/// The key of a path, equal for paths that are lexically equivalent: normalised, without a detour up from the
/// working directory and down again.
std::string manifest_check::key_of(const std::string& path) const {
    const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
    if (here_.empty() || normal.empty() || *normal.begin() != "..") return normal.string();
    return (here_ / normal).lexically_normal().lexically_relative(here_).string();
}

bool manifest_check::is_manifest(const std::string& path) const {
    const auto status = checksum::status_at(path);
    return status && std::ranges::find(manifests_, checksum::identity_of(*status)) != manifests_.end();
}

/// The deepest directories that contain all named files: one for absolute paths, one for relative ones.
std::vector<std::string> manifest_check::roots_of_named() const {
    std::vector<std::string> roots;
    for (const bool is_absolute : {false, true}) {
        std::optional<std::filesystem::path> root;
        for (const std::filesystem::path path : named_) {
            if (path.is_absolute() != is_absolute || path == "-") continue;
            root = root ? common_directory(*root, path.parent_path()) : path.parent_path();
        }
        if (root) roots.push_back(root->empty() ? "." : root->string());
    }
    return roots;
}

} // namespace spmd_sum
