#pragma once

#include <checksum/descriptor.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace checksum {

/// Reads one file from front to back in blocks of at most 256 KiB.
///
///     checksum::file_reader reader{path};
///     for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
///         consume(block);
///     }
///
/// The end of the file is where read(2) returns 0, regardless of st_size, so that /proc files, pipes and
/// growing files are read completely. Short and interrupted reads lose nothing. The thread's next reader
/// reuses the buffer.
/// Thread safety: one thread at a time; readers of different threads share nothing.
class file_reader {
public:
    /// Opens `path`, which may be longer than PATH_MAX. Once `*stop` is true, the reader is at its end; null:
    /// never.
    /// Blocks: without `stop`, on a FIFO until it has a writer.
    /// Throws: std::system_error with errno, its message "PATH: REASON" as md5sum prints it.
    explicit file_reader(const std::string& path, const std::atomic<bool>* stop = nullptr);
    /// Reads an open file from its current offset; `name` is for messages.
    file_reader(descriptor file, std::string name, const std::atomic<bool>* stop = nullptr);

    /// Returns true if next_block() would wait, as on a pipe without data.
    [[nodiscard]] bool would_wait() const noexcept;
    /// The next bytes of the file, as many as one read returns; empty at its end only. Valid until the next
    /// call or the end of the reader's lifetime.
    /// Blocks: until there is data. Throws: as the constructor, also if the file is a directory.
    [[nodiscard]] std::span<const std::byte> next_block();

private:
    struct keep_for_thread {
        void operator()(std::byte* block) const noexcept;
    };
    using block_buffer = std::unique_ptr<std::byte[], keep_for_thread>;

    static block_buffer take_buffer();

    std::string path_;
    descriptor file_;
    block_buffer buffer_;
    const std::atomic<bool>* stop_;
};

} // namespace checksum
