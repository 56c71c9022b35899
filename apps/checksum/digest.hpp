#pragma once

#include <checksum/algorithm.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace checksum {

/// An MD5 digest (RFC 1321): its 16 bytes in the order they are printed in.
using md5 = std::array<std::uint8_t, 16>;

/// Computes the MD5 of a message that comes in pieces; where it is cut does not matter.
///
///     checksum::md5_stream stream;
///     stream.update(header);
///     stream.update(body);
///     checksum::md5 digest = stream.finish();   // the stream now waits for the next message
///
/// Reusing one stream for many messages saves an allocation each. A moved-from stream may only be
/// assigned to or destroyed.
/// Throws: digest_error, from every function but restart().
/// Thread safety: one thread at a time; it need not always be the same one.
class md5_stream {
public:
    md5_stream();

    /// Appends `bytes` to the message.
    void update(std::span<const std::byte> bytes) { stream_.update(bytes); }

    /// The digest of all that was appended since the message began; the next message begins here.
    [[nodiscard]] md5 finish();

    /// Forgets what was appended: a new message begins here.
    void restart() noexcept { stream_.restart(); }

private:
    digest_stream stream_;
};

/// The MD5 of a message in memory. Allocates nothing once the calling thread has hashed before.
/// Throws: digest_error. Thread safety: any number of threads at once.
[[nodiscard]] md5 md5_of(std::span<const std::byte> message);
[[nodiscard]] md5 md5_of(std::string_view message);

/// The MD5 of all that can be read from the file at `path`, a path of any length: a regular file, or
/// a pipe or device to its end. Memory does not grow with the file.
/// Blocks: on the file; a FIFO waits for its writers.
/// Throws: std::system_error as file_reader does, digest_error.
/// Thread safety: any number of threads at once.
[[nodiscard]] md5 md5_of_file(const std::string& path);

} // namespace checksum
