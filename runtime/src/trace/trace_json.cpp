#include "trace/trace_json.hpp"

#include "trace/json_writer.hpp"
#include "trace/trace_picture.hpp"

#include <spmd/detail/trace/trace_log.hpp>

#include <algorithm>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace spmd::detail {
namespace {

/// Writes the elements of the array "traceEvents".
class event_list {
    using process = trace_picture::process;
    using slice = trace_picture::slice;
    using track = trace_picture::track;

public:
    event_list(const trace_picture& picture, std::ostream& out) : picture_(picture), out_(out) {}

    void write() {
        name_process(trace_picture::broadcasts, "broadcasts and maps");
        name_process(trace_picture::ranks, "ranks");
        name_process(trace_picture::threads, "threads");
        name_process(trace_picture::streams, "streams");
        for (const auto& [key, each] : picture_.all_tracks()) write(each);
        for (const auto& [name, changes] : picture_.counters()) write_counter(name, changes);
    }

private:
    void event(const json_object& members) { out_ << std::exchange(separator_, ",\n") << members.text(); }

    static json_object on_track(process shown_in, std::size_t row) {
        return json_object()
            .number("pid", static_cast<int>(shown_in))
            .number("tid", static_cast<std::int64_t>(row));
    }
    void metadata(const char* what, const json_object& place, const json_object& arguments) {
        event(json_object(place).string("ph", "M").string("name", what).object("args", arguments));
    }
    void name_process(process shown_in, std::string_view name) {
        const auto is_shown_here = [&](const auto& each) { return each.second.shown_in == shown_in; };
        if (std::ranges::none_of(picture_.all_tracks(), is_shown_here)) return;
        metadata("process_name", on_track(shown_in, 0), json_object().string("name", name));
        metadata("process_sort_index", on_track(shown_in, 0),
                 json_object().number("sort_index", static_cast<int>(shown_in)));
    }

    /// Puts each slice into the first row whose open slices all contain it, so that slices nest within a row.
    void write(const track& shown) {
        std::vector<const slice*> ordered;
        ordered.reserve(shown.slices.size());
        for (const slice& each : shown.slices) ordered.push_back(&each);
        std::ranges::sort(ordered, {},
                          [](const slice* each) { return std::tuple(each->begin, -each->end, each); });
        std::vector<std::vector<std::int64_t>> open; // ends of the open slices, by row
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
            write(*each, on_track(shown.shown_in, numbers[row]));
        }
    }
    void name_row(const track& shown, std::size_t number, std::size_t row) {
        std::string name = shown.name;
        if (row > 0) name += " (" + std::to_string(row + 1) + ")";
        metadata("thread_name", on_track(shown.shown_in, number), json_object().string("name", name));
        metadata("thread_sort_index", on_track(shown.shown_in, number),
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
        const auto whole = picture_.submissions().find(each.submission);
        if (each.arrows == slice::flow::none || whole == picture_.submissions().end()) return;
        if (each.arrows == slice::flow::step) {
            arrow("t", each.begin, each.submission, each.task, place);
            return;
        }
        const bool starts = each.arrows == slice::flow::source;
        const std::int64_t when =
            starts ? each.begin : std::max(each.begin, each.end - 1); // within the slice
        for (const std::uint64_t task : whole->second.started)
            arrow(starts ? "s" : "f", when, each.submission, task, place);
    }
    void arrow(const char* phase, std::int64_t when, std::uint32_t submission, std::uint64_t task,
               const json_object& place) {
        event(json_object(place)
                  .string("ph", phase)
                  .string("name", "task")
                  .string("cat", "flow")
                  .string("id", std::to_string(submission) + "." + std::to_string(task))
                  .string("bp", "e") // binds to the enclosing slice, not to the next
                  .time("ts", when));
    }

    void write_counter(const std::string& name, const trace_picture::changes& changes) {
        std::int64_t value = 0;
        for (auto change = changes.begin(); change != changes.end();) {
            const std::int64_t when = change->first;
            for (; change != changes.end() && change->first == when; ++change) value += change->second;
            event(on_track(trace_picture::broadcasts, 0)
                      .string("ph", "C")
                      .string("name", name)
                      .time("ts", when)
                      .object("args", json_object().number("count", value)));
        }
    }

    const trace_picture& picture_;
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
    event_list(trace_picture(log, tracks), out).write();
    out << "\n]}\n";
}

} // namespace spmd::detail
