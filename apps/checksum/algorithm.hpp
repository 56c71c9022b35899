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

/// OpenSSL failed to compute a digest, for example without a provider for the algorithm. The message names
/// the failed call and OpenSSL's reason.
class digest_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// OpenSSL has no algorithm of that name. The message has the name and the available algorithms.
class unknown_algorithm : public digest_error {
public:
    using digest_error::digest_error;
};

/// A message digest algorithm of the installed OpenSSL, which is initialised on first use only: MD5 has code
/// of its own in md5_lanes.hpp, and a process that needs nothing else starts 1 ms sooner.
///
///     const checksum::algorithm sha256("sha256");
///     checksum::digest_stream stream(sha256);
///
/// Thread safety: any number of threads may use one object concurrently.
class algorithm {
public:
    /// Finds an algorithm by any of its names in OpenSSL, in upper or lower case, such as "sha256" or
    /// "SHA2-256", or by b2sum's "BLAKE2b".
    /// Throws: unknown_algorithm.
    explicit algorithm(std::string_view name);

    /// Shortest name, in lower case: "md5", "sha256", "sha3-256", "blake2b512".
    const std::string& name() const noexcept { return name_; }
    /// Tag in the lines of GNU and BSD tools: "MD5", "SHA256", "BLAKE2b".
    std::string tag() const;
    /// Size of a digest in bytes, at most digest_bytes::capacity.
    std::size_t size() const noexcept { return size_; }
    bool is_md5() const noexcept { return name_ == "md5"; }
    /// OpenSSL's object for the algorithm; null for MD5 if OpenSSL does not offer it, as in FIPS mode.
    const evp_md_st* method() const;
    bool operator==(const algorithm& other) const noexcept { return name_ == other.name_; }

private:
    std::shared_ptr<const evp_md_st> method_; // null for MD5
    std::string name_;
    std::size_t size_;
};

/// Names of all available algorithms, sorted.
[[nodiscard]] std::vector<std::string> algorithm_names();

/// A digest of up to 64 bytes, in the order in which they are printed.
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
/// Formats bytes as append_hex() does.
[[nodiscard]] std::string hex(std::span<const std::uint8_t> bytes);

/// Computes the digest of a message that arrives in pieces of any size.
///
///     checksum::digest_stream stream(sha256);
///     stream.update(header);
///     stream.update(body);
///     checksum::digest_bytes digest = stream.finish();   // the next update() begins a new message
///
/// Reusing one stream for many messages saves an allocation each. A moved-from stream may only be assigned to
/// or destroyed.
/// Throws: digest_error, from every function but restart().
/// Thread safety: one thread at a time, not necessarily the same one.
class digest_stream {
public:
    explicit digest_stream(algorithm digest_algorithm);
    digest_stream(digest_stream&&) noexcept;
    digest_stream& operator=(digest_stream&&) noexcept;
    ~digest_stream();

    /// Appends `bytes` to the message.
    void update(std::span<const std::byte> bytes);

    /// Returns the digest of everything appended since the message began, and begins the next message.
    [[nodiscard]] digest_bytes finish();

    /// Discards what was appended, and begins a new message.
    void restart() noexcept { begun_ = false; }

    const algorithm& digest_algorithm() const noexcept { return algorithm_; }

private:
    struct free_context {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };

    class md5_by_lane;

    void begin_if_needed();

    std::unique_ptr<evp_md_ctx_st, free_context> context_;
    std::unique_ptr<md5_by_lane> own_; // used instead if OpenSSL has no MD5
    algorithm algorithm_;
    bool begun_ = false;
};

} // namespace checksum
