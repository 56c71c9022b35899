#include <checksum/digest.hpp>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace checksum {
namespace {

/// The calling thread's own stream, at the beginning of a message.
md5_stream& thread_stream() {
    thread_local md5_stream stream;
    stream.restart();
    return stream;
}

} // namespace

md5_stream::md5_stream() : stream_{algorithm{"md5"}} {}

md5 md5_stream::finish() {
    const digest_bytes all = stream_.finish();
    md5 digest{};
    std::ranges::copy(all.bytes(), digest.begin());
    return digest;
}

md5 md5_of(std::span<const std::byte> message) {
    md5_stream& stream = thread_stream();
    stream.update(message);
    return stream.finish();
}

md5 md5_of(std::string_view message) { return md5_of(std::as_bytes(std::span{message})); }

md5 md5_of_rest(file_reader reader, const std::function<void(std::size_t bytes)>& on_read) {
    md5_stream& stream = thread_stream();
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
        stream.update(block);
        if (on_read) on_read(block.size());
    }
    return stream.finish();
}

md5 md5_of_file(const std::string& path) { return md5_of_rest(file_reader{path}); }

md5 md5_of_descriptor(int number, const std::string& name) {
    descriptor own{::fcntl(number, F_DUPFD_CLOEXEC, 0)};
    if (own.number() < 0) throw std::system_error{errno, std::generic_category(), name};
    return md5_of_rest(file_reader{std::move(own), name});
}

} // namespace checksum
