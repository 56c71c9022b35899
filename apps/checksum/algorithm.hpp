#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct evp_md_st;
struct evp_md_ctx_st;

namespace checksum {

/// OpenSSL refused to compute a digest, say for want of a provider that has it. The message names the
/// call that failed and OpenSSL's own reason.
class digest_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// OpenSSL has no algorithm of that name. The message has the name and those that there are.
class unknown_algorithm : public digest_error {
public:
    using digest_error::digest_error;
};

/// A message digest algorithm of the installed OpenSSL, which is first asked where it is needed: MD5 has code of its own in
/// md5_lanes.hpp, and a process that needs no other starts 1 ms sooner.
///
///     const checksum::algorithm sha256("sha256");
///     checksum::digest_stream stream(sha256);
///
/// Thread safety: any number of threads may use one.
class algorithm {
public:
    /// By any name that OpenSSL knows it by, in upper or lower case: "sha256", "SHA2-256". "BLAKE2b" is b2sum's.
    /// Throws: unknown_algorithm.
    explicit algorithm(std::string_view name);

    /// The shortest of its names, in lower case: "md5", "sha256", "sha3-256", "blake2b512".
    const std::string& name() const noexcept { return name_; }
    /// What stands before a name in a tagged line, as GNU and BSD write it: "MD5", "SHA256", "BLAKE2b".
    std::string tag() const;
    /// In bytes, at most digest_bytes::capacity.
    std::size_t size() const noexcept { return size_; }
    bool is_md5() const noexcept { return name_ == "md5"; }
    /// OpenSSL's own; null for MD5 where it may not be used, as in FIPS mode.
    const evp_md_st* method() const;
    bool operator==(const algorithm& other) const noexcept { return name_ == other.name_; }

private:
    std::shared_ptr<const evp_md_st> method_; // null for MD5
    std::string name_;
    std::size_t size_;
};

/// The names of all that there are, sorted.
[[nodiscard]] std::vector<std::string> algorithm_names();

/// A digest: its bytes in the order they are printed in.
class digest_bytes {
public:
    static constexpr std::size_t capacity = 64;

    digest_bytes() = default;
    /// Requires: size <= capacity.
    digest_bytes(std::span<const std::uint8_t> bytes) noexcept
        : size_{static_cast<std::uint8_t>(bytes.size())} {
        std::ranges::copy(bytes, bytes_.begin());
    }
    template <std::size_t Size>
    digest_bytes(const std::array<std::uint8_t, Size>& bytes) noexcept
        : digest_bytes{std::span<const std::uint8_t>{bytes}} {
        static_assert(Size <= capacity);
    }

    std::span<const std::uint8_t> bytes() const noexcept { return {bytes_.data(), size_}; }
    bool operator==(const digest_bytes&) const = default;

private:
    std::array<std::uint8_t, capacity> bytes_{};
    std::uint8_t size_ = 0;
};

/// Appends two lower-case hexadecimal digits for each byte.
void append_hex(std::string& text, std::span<const std::uint8_t> bytes);
[[nodiscard]] std::string hex(std::span<const std::uint8_t> bytes);

/// Computes the digest of a message that comes in pieces; where it is cut does not matter.
///
///     checksum::digest_stream stream(sha256);
///     stream.update(header);
///     stream.update(body);
///     checksum::digest_bytes digest = stream.finish();   // the stream now waits for the next message
///
/// Reusing one stream for many messages saves an allocation each. A moved-from stream may only be
/// assigned to or destroyed.
/// Throws: digest_error, from every function but restart().
/// Thread safety: one thread at a time; it need not always be the same one.
class digest_stream {
public:
    explicit digest_stream(algorithm by);
    digest_stream(digest_stream&&) noexcept;
    digest_stream& operator=(digest_stream&&) noexcept;
    ~digest_stream();

    /// Appends `bytes` to the message.
    void update(std::span<const std::byte> bytes);

    /// The digest of all that was appended since the message began; the next message begins here.
    [[nodiscard]] digest_bytes finish();

    /// Forgets what was appended: a new message begins here.
    void restart() noexcept { begun_ = false; }

    const algorithm& by() const noexcept { return by_; }

private:
    struct free_context {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };

    class md5_by_lane;

    void begin_if_needed();

    std::unique_ptr<evp_md_ctx_st, free_context> context_;
    std::unique_ptr<md5_by_lane> own_; // instead, where OpenSSL has no MD5
    algorithm by_;
    bool begun_ = false;
};

} // namespace checksum
