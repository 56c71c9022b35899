#include <common/progress_line.hpp>

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace apps {
namespace {

constexpr std::size_t default_width = 80;
constexpr std::string_view erasure = "\r\x1b[K";
constexpr std::string_view colour = "\x1b[32m"; // green
constexpr std::string_view no_colour = "\x1b[0m";

std::string_view environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

bool is_pipe(int descriptor) {
    struct stat status{};
    return ::fstat(descriptor, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

bool wants_line(const progress_line_options& options) {
    if (options.mode != progress_mode::automatic) return options.mode == progress_mode::always;
    const std::string_view terminal = environment("TERM");
    return ::isatty(options.descriptor) == 1 && !is_pipe(options.output) && !terminal.empty() &&
           terminal != "dumb";
}

/// Width in columns, queried for each drawing since the user may resize the window.
std::size_t width_of(int descriptor) {
    winsize size{};
    return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : default_width;
}

void write_all(int descriptor, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return; // the terminal is gone
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

struct character {
    std::string_view bytes;
    std::size_t columns;
};

/// The first UTF-8 character of a text that is not empty.
character first_of(std::string_view text) {
    constexpr character unknown{"?", 1};
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return lead < 0x20 || lead == 0x7F ? unknown : character{text.substr(0, 1), 1};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return unknown;
    for (std::size_t i = 1; i < size; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) return unknown;
    constexpr unsigned char first_wide = 0xE1; // no character below U+1000 is wide
    return {text.substr(0, size), lead >= first_wide ? std::size_t{2} : std::size_t{1}};
}

struct fitted_part {
    std::string text;
    std::size_t columns = 0;
    bool is_whole = true;
};

fitted_part fit(std::string_view text, std::size_t columns) {
    fitted_part part;
    while (!text.empty()) {
        const character next = first_of(text);
        if (part.columns + next.columns > columns) {
            part.is_whole = false;
            break;
        }
        part.text += next.bytes;
        part.columns += next.columns;
        text.remove_prefix(next.bytes.size());
    }
    return part;
}

} // namespace

std::string fitted(std::span<const std::string> parts, std::size_t columns) {
    constexpr std::string_view gap = "  ";
    fitted_part line;
    for (const std::string& each : parts) {
        const bool is_first = line.text.empty();
        const std::size_t used = line.columns + (is_first ? 0 : gap.size());
        const fitted_part part = fit(each, used < columns ? columns - used : 0);
        if (!is_first && !part.is_whole) break;
        if (!is_first) line.text += gap;
        line.text += part.text;
        line.columns = used + part.columns;
        if (!part.is_whole) break;
    }
    return line.text;
}

progress_line::progress_line(progress_line_options options)
    : options_(std::move(options)), is_shown_(wants_line(options_)),
      is_coloured_(environment("NO_COLOR").empty()), next_(options_.now() + interval) {}

bool progress_line::is_due() {
    const auto now = options_.now();
    if (is_closed_.load() || now < next_) return false;
    next_ = now + interval;
    return true;
}

void progress_line::draw(std::span<const std::string> parts) {
    // A terminal may wrap after its last column.
    const std::string line = fitted(parts, width_of(options_.descriptor) - 1);
    std::string text = "\r";
    if (is_coloured_) text += colour;
    text += line;
    if (is_coloured_) text += no_colour;
    text += "\x1b[K"; // erases the rest of a longer predecessor
    write_all(options_.descriptor, text);
    is_drawn_ = true;
}

void progress_line::erase() noexcept {
    if (std::exchange(is_drawn_, false)) write_all(options_.descriptor, erasure);
}

std::unique_lock<std::timed_mutex> progress_line::hide() {
    std::unique_lock lock(mutex_);
    erase();
    return lock;
}

void progress_line::close() noexcept {
    is_closed_.store(true);
    const std::unique_lock lock(mutex_, interval);
    if (lock.owns_lock()) erase();
}

} // namespace apps
