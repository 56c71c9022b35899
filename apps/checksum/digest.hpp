#pragma once

#include <checksum/algorithm.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace checksum {

/// An MD5 digest (RFC 1321): 16 bytes in the order in which they are printed.
using md5 = std::array<std::uint8_t, 16>;

/// Computes the MD5 of a message that arrives in pieces of any size.
///
///     checksum::md5_stream stream;
///     stream.update(header);
///     stream.update(body);
///     checksum::md5 digest = stream.finish();   // the next update() begins a new message
///
/// Reusing one stream for many messages saves an allocation each. A moved-from stream may only be
/// assigned to or destroyed.
/// Throws: digest_error, from every function but restart().
/// Thread safety: one thread at a time, not necessarily the same one.
class md5_stream {
public:
    md5_stream();

    /// Appends `bytes` to the message.
    void update(std::span<const std::byte> bytes) { stream_.update(bytes); }

    /// Returns the digest of everything appended since the message began, and begins the next message.
    [[nodiscard]] md5 finish();

    /// Discards what was appended, and begins a new message.
    void restart() noexcept { stream_.restart(); }

private:
    digest_stream stream_;
};

/// MD5 of a message in memory. Allocates only on the calling thread's first call.
/// Throws: digest_error. Thread safety: any number of threads at once.
[[nodiscard]] md5 md5_of(std::span<const std::byte> message);
/// As md5_of(std::span), for text.
[[nodiscard]] md5 md5_of(std::string_view message);

/// MD5 of the content of the file at `path`, which may be longer than PATH_MAX: a regular file, or a pipe or
/// device read to its end. Memory does not grow with the file.
/// Blocks: on the file; on a FIFO until its writers close it.
/// Throws: std::system_error as file_reader does, digest_error.
/// Thread safety: any number of threads at once.
[[nodiscard]] md5 md5_of_file(const std::string& path);

} // namespace checksum
