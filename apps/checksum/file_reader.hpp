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
/// The end of the file is where read(2) says so: st_size is never asked for, so /proc files, pipes and
/// files that grow give all they have. Short and interrupted reads lose nothing. The buffer of a reader
/// that is gone serves the thread's next one.
/// Thread safety: one thread at a time; readers of different threads share nothing.
class file_reader {
public:
    /// Opens `path`, which may be longer than PATH_MAX. Once `stop`, where there is one, is true, the file is at its end.
    /// Blocks: without a stop, a FIFO until it has a writer.
    /// Throws: std::system_error with errno, its message "PATH: REASON" as md5sum has it.
    explicit file_reader(const std::string& path, const std::atomic<bool>* stop = nullptr);
    /// Reads on from where an open file stands; `name` is for messages.
    file_reader(descriptor file, std::string name, const std::atomic<bool>* stop = nullptr);

    /// Whether next_block() would wait: a pipe has nothing now.
    [[nodiscard]] bool would_wait() const noexcept;
    /// The next bytes of the file, of whatever length came at once; empty at its end, and only there.
    /// They stay until the next call, or until the reader is gone.
    /// Blocks: until there are some. Throws: as the constructor; a directory fails here.
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
