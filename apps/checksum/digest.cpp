#include <checksum/digest.hpp>

#include <checksum/file_reader.hpp>

#include <algorithm>

namespace checksum {
namespace {

/// The calling thread's stream, at the beginning of a message.
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

md5 md5_of_file(const std::string& path) {
    file_reader reader{path};
    md5_stream& stream = thread_stream();
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) stream.update(block);
    return stream.finish();
}

} // namespace checksum
