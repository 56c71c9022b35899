#include <spmd_sum/sum_progress.hpp>

#include <checksum/file_sums.hpp>
#include <checksum/manifest.hpp>

#include <common/progress_text.hpp>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>
#include <variant>

namespace spmd_sum {

void sum_progress::follow(const std::stop_token& stop, const std::atomic<bool>& interrupted,
                          apps::progress_line& line) {
    const drawing draw = [&] { line.show([&] { return parts(); }); };
    for (const std::string& operand : wanted_->operands)
        wanted_->check ? count_manifest(operand, stop, draw) : count_operand(operand, stop, draw);
    all_known_ = wanted_->names_file.empty();
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        if (interrupted.load()) return line.close();
        draw();
        stopped.wait_for(lock, stop, apps::progress_line::interval, [] { return false; });
    }
}

void sum_progress::count_operand(const std::string& operand, const std::stop_token& stop,
                                 const drawing& draw) {
    std::error_code ignored; // a file of unknown size adds none
    if (operand == "-") return count_file(operand);
    if (!std::filesystem::is_directory(operand, ignored)) return count_file(operand);
    if (!wanted_->is_recursive) return;
    checksum::tree_lister tree(operand, wanted_->listing);
    for (auto files = tree.next(checksum::files_in_range); !files.names.empty() && !stop.stop_requested();
         files = tree.next(checksum::files_in_range)) {
        for (const std::string& name : files.names) count_file(files.directory + name);
        draw();
    }
}

void sum_progress::count_manifest(const std::string& manifest, const std::stop_token& stop,
                                  const drawing& draw) {
    std::error_code ignored;
    if (manifest == "-" || !std::filesystem::is_regular_file(manifest, ignored))
        return; // cannot be read twice
    try {
        checksum::manifest_reader lines(manifest, wanted_->check->format);
        while (!stop.stop_requested()) {
            const auto line = lines.next();
            if (std::holds_alternative<checksum::manifest_end>(line)) return;
            if (const auto* const entry = std::get_if<checksum::manifest_entry>(&line); entry != nullptr)
                count_file(entry->name);
            draw();
        }
    } catch (const checksum::manifest_error&) {
        return; // the check reports the error
    }
}

void sum_progress::count_file(const std::string& path) {
    std::error_code ignored;
    const std::uintmax_t size = path == "-" ? 0 : std::filesystem::file_size(path, ignored);
    if (!ignored) all_bytes_ += size;
    ++all_files_;
}

std::vector<std::string> sum_progress::parts() const {
    const std::uint64_t files_done = files_.load(std::memory_order_relaxed);
    const std::uint64_t bytes = bytes_.load(std::memory_order_relaxed);
    const auto elapsed = std::chrono::steady_clock::now() - begin_;
    const double seconds = std::chrono::duration<double>(elapsed).count();
    const bool by_bytes = all_known_ && all_bytes_ > 0;
    const std::uint64_t done = by_bytes ? std::min(bytes, all_bytes_) : files_done;
    const std::uint64_t total = by_bytes ? all_bytes_ : all_files_;
    std::vector<std::string> all;
    if (all_known_) {
        all.push_back(apps::percent(done, total));
        if (std::string left = apps::time_left(elapsed, done, total); !left.empty())
            all.push_back(std::move(left));
    }
    all.push_back(std::to_string(files_done) + " of " + std::to_string(all_files_) +
                  (all_known_ ? " files" : " files or more"));
    all.push_back(apps::size_text(static_cast<double>(bytes)) +
                  (by_bytes ? " of " + apps::size_text(static_cast<double>(all_bytes_)) : ""));
    all.push_back(apps::size_text(static_cast<double>(bytes) / seconds) + "/s");
    return all;
}

} // namespace spmd_sum
