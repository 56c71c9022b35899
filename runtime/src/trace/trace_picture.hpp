#pragma once

#include "trace/json_writer.hpp"

#include <spmd/detail/trace/trace_log.hpp>
#include <spmd/trace_recorder.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace spmd::detail {

/// The events of a log arranged as a viewer shows them: slices on tracks, arrows between them, and counters.
class trace_picture {
public:
    /// Groups of tracks, in the order in which they are shown.
    enum process : int { broadcasts = 1, ranks = 2, threads = 3, streams = 4 };

    struct slice {
        std::int64_t begin = 0; ///< ns since the log was made
        std::int64_t end = 0;   ///< ns since the log was made
        std::string name{};
        std::string category{};
        json_object arguments{};
        std::uint32_t submission = 0;
        std::uint64_t task = 0;
        /// The slice's place on the arrows of its submission, which lead through each task.
        enum class flow { none, source, step, sink } arrows = flow::none;
    };

    /// The slices of one track, or of several if they do not nest.
    struct track {
        process shown_in = threads;
        std::string name{};
        std::vector<slice> slices;
    };

    /// A submission, as far as the log has its events.
    struct submission {
        std::string name = "broadcast";
        std::string where;
        std::uint64_t pool = trace_event::no_name;
        bool is_map = false;
        std::uint64_t tasks = 0;
        std::int64_t begin = 0;
        std::int64_t end = 0;
        std::vector<std::uint64_t> started; ///< tasks that the log has
    };

    /// Changes of a counter by time.
    using changes = std::multimap<std::int64_t, std::int64_t>;

    trace_picture(const trace_log& log, trace_tracks tracks);

    /// All tracks; a process shows its own in the order of their keys.
    const std::map<std::tuple<process, std::uint64_t>, track>& all_tracks() const noexcept { return all_; }
    const std::map<std::uint32_t, submission>& submissions() const noexcept { return submissions_; }
    const std::map<std::string, changes>& counters() const noexcept { return counters_; }

private:
    /// One part of a rank's run, from its resumption until it waits or ends.
    struct rank_part {
        std::int64_t begin = 0;
        std::int64_t end = 0;
        std::string waited_for; ///< before this part; empty for the first
        std::string where;
    };

    std::int64_t time(std::uint64_t ticks) const { return clock_.nanoseconds(ticks); }
    track& track_of(process shown_in, std::uint64_t key, std::string name);
    void count(const std::string& counter, std::int64_t when, std::int64_t change);

    void note_submission(const trace_event& event);
    void add(std::size_t thread, const trace_event& event);
    void add_to_thread(std::size_t thread, slice added);
    void add_range(std::size_t thread, const trace_event& event);
    void add_task(std::size_t thread, const trace_event& event);
    void add_batch(const trace_event& event);
    void add_ranks();
    void add_broadcasts();

    const trace_log& log_;
    trace_log::clock clock_;
    trace_tracks tracks_;
    std::map<std::uint32_t, submission> submissions_;
    std::map<std::tuple<process, std::uint64_t>, track> all_;
    /// By rank and submission.
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<rank_part>> parts_;
    std::map<std::string, changes> counters_;
};

} // namespace spmd::detail
