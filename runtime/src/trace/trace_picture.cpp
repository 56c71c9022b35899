#include "trace/trace_picture.hpp"

#include <spmd/detail/base/describe.hpp>

#include <algorithm>
#include <source_location>
#include <string_view>

namespace spmd::detail {
namespace {

std::string range_text(std::uint64_t first, std::uint64_t count) {
    std::string text = std::to_string(first);
    if (count != 1) (text += " to ") += std::to_string(first + count - 1);
    return text;
}

std::string place(const std::source_location& where) {
    return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

} // namespace

trace_picture::trace_picture(const trace_log& log, trace_tracks tracks)
    : log_(log), clock_(log), tracks_(tracks) {
    log.for_each([&](std::size_t, const trace_event& event) { note_submission(event); });
    log.for_each([&](std::size_t thread, const trace_event& event) { add(thread, event); });
    add_ranks();
    add_broadcasts();
}

trace_picture::track& trace_picture::track_of(process shown_in, std::uint64_t key, std::string name) {
    track& found = all_[{shown_in, key}];
    found.shown_in = shown_in;
    found.name = std::move(name);
    return found;
}

void trace_picture::count(const std::string& counter, std::int64_t when, std::int64_t change) {
    counters_[counter].emplace(when, change);
}

void trace_picture::note_submission(const trace_event& event) {
    submission& noted = submissions_[event.submission];
    switch (event.kind) {
        case trace_kind::submission:
            if (event.where.line() != 0) noted.where = place(event.where);
            if (event.subject != trace_event::no_name)
                noted.name = log_.name(event.subject);
            else
                noted.name = noted.where.empty() ? event.operation : text_of(event.where);
            noted.pool = event.pool;
            noted.is_map = event.operation == std::string_view("map");
            noted.tasks = event.count;
            noted.begin = time(event.begin);
            noted.end = std::max(noted.end, noted.begin);
            break;
        case trace_kind::task:
            if (event.operation == nullptr) noted.started.push_back(event.subject);
            noted.end = std::max(noted.end, time(event.end));
            break;
        default: break;
    }
}

void trace_picture::add(std::size_t thread, const trace_event& event) {
    switch (event.kind) {
        case trace_kind::submission:
        case trace_kind::woken:
            count("ranks ready", time(event.begin), static_cast<std::int64_t>(event.count));
            break;
        case trace_kind::range: add_range(thread, event); break;
        case trace_kind::task: add_task(thread, event); break;
        case trace_kind::concat:
            add_to_thread(
                thread, {.begin = time(event.begin),
                         .end = time(event.end),
                         .name = std::string(event.operation) + " of " + submissions_[event.submission].name,
                         .category = "concat",
                         .submission = event.submission,
                         .arrows = slice::flow::sink});
            break;
        case trace_kind::stage:
            add_to_thread(thread, {.begin = time(event.begin),
                                   .end = time(event.end),
                                   .name = log_.name(event.subject),
                                   .category = std::string("stage,") + event.operation,
                                   .submission = event.submission,
                                   .arrows = event.submission != 0 ? slice::flow::sink : slice::flow::none});
            break;
        case trace_kind::batch: add_batch(event); break;
    }
}

void trace_picture::add_to_thread(std::size_t thread, slice added) {
    track_of(threads, thread, "thread " + std::to_string(thread)).slices.push_back(std::move(added));
}

void trace_picture::add_range(std::size_t thread, const trace_event& event) {
    const submission& whole = submissions_[event.submission];
    count("ranks ready", time(event.begin), -static_cast<std::int64_t>(event.count));
    const std::string tasks = range_text(event.subject, event.count);
    add_to_thread(thread, {.begin = time(event.begin),
                           .end = time(event.end),
                           .name = whole.name,
                           .category = whole.is_map ? "map" : "broadcast",
                           .arguments = json_object().string(whole.is_map ? "items" : "ranks", tasks)});
}

void trace_picture::add_task(std::size_t thread, const trace_event& event) {
    const submission& whole = submissions_[event.submission];
    rank_part part{time(event.begin), time(event.end), {}, {}};
    if (event.operation != nullptr) {
        part.waited_for = event.operation;
        part.where = place(event.where);
    }
    if (tracks_ == trace_tracks::per_rank && !whole.is_map) {
        parts_[{event.subject, event.submission}].push_back(std::move(part));
        return;
    }
    json_object arguments;
    if (!part.waited_for.empty()) arguments.string("waited_for", part.waited_for).string("at", part.where);
    add_to_thread(thread, {.begin = part.begin,
                           .end = part.end,
                           .name = (whole.is_map ? "item " : "rank ") + std::to_string(event.subject),
                           .category = "task",
                           .arguments = std::move(arguments),
                           .submission = event.submission,
                           .task = event.subject,
                           .arrows = part.waited_for.empty() ? slice::flow::step : slice::flow::none});
}

void trace_picture::add_batch(const trace_event& event) {
    track& lane = track_of(streams, event.count << 32U | event.submission,
                           log_.name(event.count) + ", lane " + std::to_string(event.submission));
    lane.slices.push_back({.begin = time(event.begin),
                           .end = time(event.end),
                           .name = "batch " + std::to_string(event.subject),
                           .category = "batch"});
    count("batches in flight", time(event.begin), 1);
    count("batches in flight", time(event.end), -1);
}

/// Adds each rank as one slice that contains its waits.
void trace_picture::add_ranks() {
    for (auto& [whose, parts] : parts_) {
        const auto [rank, number] = whose;
        std::ranges::sort(parts, {}, &rank_part::begin);
        std::vector<slice>& slices = track_of(ranks, rank, "rank " + std::to_string(rank)).slices;
        slices.push_back({.begin = parts.front().begin,
                          .end = parts.back().end,
                          .name = submissions_[number].name,
                          .category = "task",
                          .submission = number,
                          .task = rank,
                          .arrows = slice::flow::step});
        for (std::size_t i = 1; i < parts.size(); ++i)
            slices.push_back({.begin = parts[i - 1].end,
                              .end = std::max(parts[i].begin, parts[i - 1].end),
                              .name = "wait: " + parts[i].waited_for,
                              .category = "wait",
                              .arguments = json_object().string("at", parts[i].where)});
    }
}

void trace_picture::add_broadcasts() {
    for (const auto& [number, each] : submissions_) {
        if (number == 0 || each.tasks == 0) continue;
        json_object arguments;
        arguments.number(each.is_map ? "items" : "ranks", static_cast<std::int64_t>(each.tasks));
        if (!each.where.empty()) arguments.string("at", each.where);
        std::string track_name = "submitted";
        if (each.pool != trace_event::no_name) {
            track_name += " to " + log_.name(each.pool);
            arguments.string("pool", log_.name(each.pool));
        }
        // Submissions to pools without a name are shown first.
        track_of(broadcasts, each.pool + 1, std::move(track_name))
            .slices.push_back({.begin = each.begin,
                               .end = each.end,
                               .name = each.name,
                               .category = each.is_map ? "map" : "broadcast",
                               .arguments = std::move(arguments),
                               .submission = number,
                               .arrows = slice::flow::source});
    }
}

} // namespace spmd::detail
