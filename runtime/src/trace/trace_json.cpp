#include "trace/trace_json.hpp"

#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/trace/trace_log.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace spmd::detail {
namespace {

/// The processes of the picture, in the order in which they are shown.
enum process : int { broadcasts = 1, ranks = 2, threads = 3, streams = 4 };

/// How many bytes the character at the beginning has in UTF-8; 0 where there is none: RFC 3629, 4.
std::size_t utf8_size(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : std::uint8_t{0};
    };
    const auto follows = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xbf) {
        return byte(i) >= least && byte(i) <= most;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef)
        return follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
    if (first >= 0xf0 && first <= 0xf4)
        return follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && follows(2) &&
                       follows(3)
                   ? 4
                   : 0;
    return 0;
}

/// What is no UTF-8 becomes U+FFFD.
std::string quoted(std::string_view text) {
    std::string all = "\"";
    for (std::size_t size = 0; !text.empty(); text.remove_prefix(std::max<std::size_t>(size, 1))) {
        size = utf8_size(text);
        if (size != 1) {
            all += size == 0 ? "\xef\xbf\xbd" : text.substr(0, size);
            continue;
        }
        const char c = text.front();
        constexpr std::size_t escape_size = sizeof "\\u0000";
        std::array<char, escape_size> escape{};
        const auto code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            (all += '\\') += c;
        else if (code >= ' ')
            all += c;
        else if (std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(code)) > 0)
            all += escape.data();
    }
    return all += '"';
}

/// A JSON object, member by member.
class json_object {
public:
    json_object& string(std::string_view name, std::string_view value) { return add(name, quoted(value)); }
    json_object& number(std::string_view name, std::int64_t value) {
        return add(name, std::to_string(value));
    }
    /// In microseconds, the unit of the format, with all digits.
    json_object& time(std::string_view name, std::int64_t nanoseconds) {
        constexpr std::int64_t thousand = 1000;
        const std::string fraction = std::to_string(thousand + nanoseconds % thousand).substr(1);
        return add(name, std::to_string(nanoseconds / thousand) + '.' + fraction);
    }
    /// Left out where the value is empty.
    json_object& object(std::string_view name, const json_object& value) {
        return value.members_.empty() ? *this : add(name, value.text());
    }
    std::string text() const { return '{' + members_ + '}'; }

private:
    json_object& add(std::string_view name, const std::string& value) {
        if (!members_.empty()) members_ += ',';
        members_ += quoted(name);
        members_ += ':';
        members_ += value;
        return *this;
    }
    std::string members_;
};

std::string range_text(std::uint64_t first, std::uint64_t count) {
    std::string text = std::to_string(first);
    if (count != 1) (text += " to ") += std::to_string(first + count - 1);
    return text;
}

std::string place(const std::source_location& where) {
    return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

struct slice {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::string name{};
    std::string category{};
    json_object arguments{};
    std::uint32_t submission = 0;
    std::uint64_t task = 0;
    enum class flow { none, source, step, sink } arrows = flow::none;
};

/// The slices of one track, or of several where they do not nest.
struct track {
    process shown_in = threads;
    std::string name{};
    std::vector<slice> slices;
};

/// What one submission was, as far as the trace has it.
struct submission {
    std::string name = "broadcast";
    std::string where;
    std::uint64_t pool = trace_event::no_name;
    bool is_map = false;
    std::uint64_t tasks = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::vector<std::uint64_t> started; ///< the tasks that the trace has
};

/// One part of a rank's run, from when it was resumed until it waited or ended.
struct rank_part {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::string waited_for; ///< before; empty for the first
    std::string where;
};

/// Brings the events into the order of the picture.
class picture {
public:
    picture(const trace_log& log, trace_tracks tracks) : log_(log), clock_(log), tracks_(tracks) {
        log.for_each([&](std::size_t, const trace_event& event) { see_submission(event); });
        log.for_each([&](std::size_t thread, const trace_event& event) { add(thread, event); });
        add_ranks();
        add_broadcasts();
    }

    /// Those of a process are shown in the order of their keys.
    const std::map<std::tuple<process, std::uint64_t>, track>& all_tracks() const noexcept { return all_; }
    const std::map<std::uint32_t, submission>& submissions() const noexcept { return submissions_; }
    /// By how much each counter changes, by time.
    const std::map<std::string, std::multimap<std::int64_t, std::int64_t>>& counters() const noexcept {
        return counters_;
    }

private:
    std::int64_t time(std::uint64_t ticks) const { return clock_.nanoseconds(ticks); }

    std::string name(std::uint64_t number) const { return log_.name(number); }

    void see_submission(const trace_event& event) {
        submission& its = submissions_[event.submission];
        switch (event.kind) {
            case trace_kind::submission:
                its.name = event.subject == trace_event::no_name ? text_of(event.where) : name(event.subject);
                its.where = place(event.where);
                its.pool = event.pool;
                its.is_map = event.operation == std::string_view("map");
                its.tasks = event.count;
                its.begin = time(event.begin);
                its.end = std::max(its.end, its.begin);
                break;
            case trace_kind::task:
                if (event.operation == nullptr) its.started.push_back(event.subject);
                its.end = std::max(its.end, time(event.end));
                break;
            default: break;
        }
    }

    void add(std::size_t thread, const trace_event& event) {
        switch (event.kind) {
            case trace_kind::submission:
            case trace_kind::woken:
                count("ranks ready", time(event.begin), static_cast<std::int64_t>(event.count));
                break;
            case trace_kind::range: add_range(thread, event); break;
            case trace_kind::task: add_task(thread, event); break;
            case trace_kind::concat:
                add_to_thread(thread, {.begin = time(event.begin),
                                       .end = time(event.end),
                                       .name = std::string(event.operation) + " of " +
                                               submissions_[event.submission].name,
                                       .category = "concat",
                                       .submission = event.submission,
                                       .arrows = slice::flow::sink});
                break;
            case trace_kind::stage:
                add_to_thread(thread,
                              {.begin = time(event.begin),
                               .end = time(event.end),
                               .name = name(event.subject),
                               .category = std::string("stage,") + event.operation,
                               .submission = event.submission,
                               .arrows = event.submission != 0 ? slice::flow::sink : slice::flow::none});
                break;
            case trace_kind::batch: add_batch(event); break;
        }
    }

    void count(const std::string& counter, std::int64_t when, std::int64_t change) {
        counters_[counter].emplace(when, change);
    }

    void add_to_thread(std::size_t thread, slice what) {
        track& at = all_[{threads, thread}];
        at.shown_in = threads;
        at.name = "thread " + std::to_string(thread);
        at.slices.push_back(std::move(what));
    }

    void add_range(std::size_t thread, const trace_event& event) {
        const submission& its = submissions_[event.submission];
        count("ranks ready", time(event.begin), -static_cast<std::int64_t>(event.count));
        const std::string tasks = range_text(event.subject, event.count);
        add_to_thread(thread, {.begin = time(event.begin),
                               .end = time(event.end),
                               .name = its.name,
                               .category = its.is_map ? "map" : "broadcast",
                               .arguments = json_object().string(its.is_map ? "items" : "ranks", tasks)});
    }

    void add_task(std::size_t thread, const trace_event& event) {
        const submission& its = submissions_[event.submission];
        rank_part part{time(event.begin), time(event.end), {}, {}};
        if (event.operation != nullptr) {
            part.waited_for = event.operation;
            part.where = place(event.where);
        }
        if (tracks_ == trace_tracks::per_rank && !its.is_map) {
            parts_[{event.subject, event.submission}].push_back(std::move(part));
            return;
        }
        json_object arguments;
        if (!part.waited_for.empty())
            arguments.string("waited_for", part.waited_for).string("at", part.where);
        add_to_thread(thread, {.begin = part.begin,
                               .end = part.end,
                               .name = (its.is_map ? "item " : "rank ") + std::to_string(event.subject),
                               .category = "task",
                               .arguments = std::move(arguments),
                               .submission = event.submission,
                               .task = event.subject,
                               .arrows = part.waited_for.empty() ? slice::flow::step : slice::flow::none});
    }

    void add_batch(const trace_event& event) {
        track& at = all_[{streams, event.count << 32U | event.submission}];
        at.shown_in = streams;
        at.name = name(event.count) + ", lane " + std::to_string(event.submission);
        at.slices.push_back({.begin = time(event.begin),
                             .end = time(event.end),
                             .name = "batch " + std::to_string(event.subject),
                             .category = "batch"});
        count("batches in flight", time(event.begin), 1);
        count("batches in flight", time(event.end), -1);
    }

    /// Each rank as one slice with its waits in it.
    void add_ranks() {
        for (auto& [whose, parts] : parts_) {
            const auto [rank, number] = whose;
            std::ranges::sort(parts, {}, &rank_part::begin);
            track& at = all_[{ranks, rank}];
            at.shown_in = ranks;
            at.name = "rank " + std::to_string(rank);
            at.slices.push_back({.begin = parts.front().begin,
                                 .end = parts.back().end,
                                 .name = submissions_[number].name,
                                 .category = "task",
                                 .submission = number,
                                 .task = rank,
                                 .arrows = slice::flow::step});
            for (std::size_t i = 1; i < parts.size(); ++i)
                at.slices.push_back({.begin = parts[i - 1].end,
                                     .end = std::max(parts[i].begin, parts[i - 1].end),
                                     .name = "wait: " + parts[i].waited_for,
                                     .category = "wait",
                                     .arguments = json_object().string("at", parts[i].where)});
        }
    }

    void add_broadcasts() {
        for (const auto& [number, its] : submissions_) {
            if (number == 0 || its.tasks == 0) continue;
            track& at = all_[{broadcasts, its.pool + 1}]; // those of pools without a name first
            at.shown_in = broadcasts;
            at.name = "submitted";
            json_object arguments;
            arguments.number(its.is_map ? "items" : "ranks", static_cast<std::int64_t>(its.tasks))
                .string("at", its.where);
            if (its.pool != trace_event::no_name) {
                at.name = "submitted to " + name(its.pool);
                arguments.string("pool", name(its.pool));
            }
            at.slices.push_back({.begin = its.begin,
                                 .end = its.end,
                                 .name = its.name,
                                 .category = its.is_map ? "map" : "broadcast",
                                 .arguments = std::move(arguments),
                                 .submission = number,
                                 .arrows = slice::flow::source});
        }
    }

    const trace_log& log_;
    trace_log::clock clock_;
    trace_tracks tracks_;
    std::map<std::uint32_t, submission> submissions_;
    std::map<std::tuple<process, std::uint64_t>, track> all_;
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<rank_part>>
        parts_; // by rank and submission
    std::map<std::string, std::multimap<std::int64_t, std::int64_t>> counters_;
};

/// Writes the members of the list "traceEvents".
class event_list {
public:
    event_list(const picture& shown, std::ostream& out) : shown_(shown), out_(out) {}

    void write() {
        name_process(broadcasts, "broadcasts and maps");
        name_process(ranks, "ranks");
        name_process(threads, "threads");
        name_process(streams, "streams");
        for (const auto& [key, each] : shown_.all_tracks()) write(each);
        for (const auto& [name, changes] : shown_.counters()) write_counter(name, changes);
    }

private:
    void event(const json_object& members) { out_ << std::exchange(separator_, ",\n") << members.text(); }

    static json_object at(process shown_in, std::size_t row) {
        return json_object()
            .number("pid", static_cast<int>(shown_in))
            .number("tid", static_cast<std::int64_t>(row));
    }
    void metadata(const char* what, const json_object& place, const json_object& arguments) {
        event(json_object(place).string("ph", "M").string("name", what).object("args", arguments));
    }
    void name_process(process shown_in, std::string_view name) {
        const auto is_its = [&](const auto& each) { return each.second.shown_in == shown_in; };
        if (std::ranges::none_of(shown_.all_tracks(), is_its)) return;
        metadata("process_name", at(shown_in, 0), json_object().string("name", name));
        metadata("process_sort_index", at(shown_in, 0),
                 json_object().number("sort_index", static_cast<int>(shown_in)));
    }

    /// A slice goes to the first row where it lies within what is open there, or nothing is.
    void write(const track& shown) {
        std::vector<const slice*> ordered;
        ordered.reserve(shown.slices.size());
        for (const slice& each : shown.slices) ordered.push_back(&each);
        std::ranges::sort(ordered, {},
                          [](const slice* each) { return std::tuple(each->begin, -each->end, each); });
        std::vector<std::vector<std::int64_t>> open; // the ends of the open slices of each row
        std::vector<std::size_t> numbers;
        for (const slice* each : ordered) {
            std::size_t row = 0;
            for (; row < open.size(); ++row) {
                while (!open[row].empty() && open[row].back() <= each->begin) open[row].pop_back();
                if (open[row].empty() || open[row].back() >= each->end) break;
            }
            if (row == open.size()) {
                open.emplace_back();
                numbers.push_back(next_row_++);
                name_row(shown, numbers.back(), row);
            }
            open[row].push_back(each->end);
            write(*each, at(shown.shown_in, numbers[row]));
        }
    }
    void name_row(const track& shown, std::size_t number, std::size_t row) {
        std::string name = shown.name;
        if (row > 0) name += " (" + std::to_string(row + 1) + ")";
        metadata("thread_name", at(shown.shown_in, number), json_object().string("name", name));
        metadata("thread_sort_index", at(shown.shown_in, number),
                 json_object().number("sort_index", static_cast<std::int64_t>(number)));
    }

    void write(const slice& each, const json_object& place) {
        event(json_object(place)
                  .string("ph", "X")
                  .string("name", each.name)
                  .string("cat", each.category)
                  .time("ts", each.begin)
                  .time("dur", each.end - each.begin)
                  .object("args", each.arguments));
        const auto its = shown_.submissions().find(each.submission);
        if (each.arrows == slice::flow::none || its == shown_.submissions().end()) return;
        if (each.arrows == slice::flow::step) {
            arrow("t", each.begin, each.submission, each.task, place);
            return;
        }
        const bool starts = each.arrows == slice::flow::source;
        const std::int64_t when = starts ? each.begin : std::max(each.begin, each.end - 1); // within it
        for (const std::uint64_t task : its->second.started)
            arrow(starts ? "s" : "f", when, each.submission, task, place);
    }
    void arrow(const char* phase, std::int64_t when, std::uint32_t submission, std::uint64_t task,
               const json_object& place) {
        event(json_object(place)
                  .string("ph", phase)
                  .string("name", "task")
                  .string("cat", "flow")
                  .string("id", std::to_string(submission) + "." + std::to_string(task))
                  .string("bp", "e") // bound to the slice around it, not to the next
                  .time("ts", when));
    }

    void write_counter(const std::string& name, const std::multimap<std::int64_t, std::int64_t>& changes) {
        std::int64_t value = 0;
        for (auto change = changes.begin(); change != changes.end();) {
            const std::int64_t when = change->first;
            for (; change != changes.end() && change->first == when; ++change) value += change->second;
            event(at(broadcasts, 0)
                      .string("ph", "C")
                      .string("name", name)
                      .time("ts", when)
                      .object("args", json_object().number("count", value)));
        }
    }

    const picture& shown_;
    std::ostream& out_;
    const char* separator_ = "\n";
    std::size_t next_row_ = 1;
};

} // namespace

void write_trace_json(const trace_log& log, trace_tracks tracks, std::ostream& out) {
    const json_object counts = json_object()
                                   .number("events", static_cast<std::int64_t>(log.size()))
                                   .number("dropped", static_cast<std::int64_t>(log.dropped()));
    out << R"({"displayTimeUnit":"ns","otherData":)" << counts.text() << R"(,"traceEvents":[)";
    event_list(picture(log, tracks), out).write();
    out << "\n]}\n";
}

} // namespace spmd::detail
