#include <checksum/algorithm.hpp>

#include <checksum/md5_lanes.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cctype>
#include <new>
#include <utility>

namespace checksum {
namespace {

[[noreturn]] void throw_digest_error(const char* failed_call) {
    std::array<char, 256> reason{};
    ERR_error_string_n(ERR_peek_last_error(), reason.data(), reason.size());
    ERR_clear_error();
    throw digest_error{std::string{failed_call} + ": " + reason.data()};
}

constexpr std::size_t md5_size = 16;

const EVP_MD* fetch_md5() {
    const EVP_MD* const method = EVP_MD_fetch(nullptr, "MD5", nullptr);
    ERR_clear_error();
    return method;
}

/// OpenSSL's MD5, fetched once per process: a fetch per message costs 0.2 µs and takes a lock that all
/// threads share. Null if it may not be used, as in FIPS mode.
const EVP_MD* md5_method() {
    // Never freed: threads may still hash while the process runs its exit handlers.
    static const EVP_MD* const method = fetch_md5();
    return method;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower;
}

/// Accepts names like "rmd160", rejects names like "1.3.36.3.2.1" and "ripemd".
bool is_readable(std::string_view name) {
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    return !name.empty() && !is_digit(static_cast<unsigned char>(name.front())) &&
           std::ranges::any_of(name, is_digit);
}

std::string shortest_name(const EVP_MD* method) {
    std::string shortest;
    EVP_MD_names_do_all(
        method,
        [](const char* name, void* to) {
            auto& best = *static_cast<std::string*>(to);
            if (is_readable(name) && (best.empty() || std::string_view(name).size() < best.size()))
                best = name;
        },
        &shortest);
    return lower_case(shortest.empty() ? EVP_MD_get0_name(method) : shortest);
}

bool is_usable(const EVP_MD* method) {
    const int size = EVP_MD_get_size(method);
    return size > 0 && static_cast<std::size_t>(size) <= digest_bytes::capacity;
}

std::shared_ptr<const EVP_MD> fetch(std::string_view name) {
    const std::string known = name == "BLAKE2b" ? "BLAKE2B-512" : std::string(name);
    EVP_MD* const method = EVP_MD_fetch(nullptr, known.c_str(), nullptr);
    ERR_clear_error();
    std::shared_ptr<const EVP_MD> owned(method, EVP_MD_free);
    if (method != nullptr && is_usable(method)) return owned;
    std::string message = "no digest algorithm '" + std::string(name) + "'; available:";
    for (const std::string& each : algorithm_names()) message += ' ' + each;
    throw unknown_algorithm{message};
}

} // namespace

algorithm::algorithm(std::string_view name) : name_{lower_case(name)}, size_{md5_size} {
    if (name_ == "md5") return;
    method_ = fetch(name);
    name_ = shortest_name(method_.get());
    size_ = static_cast<std::size_t>(EVP_MD_get_size(method_.get()));
}

const evp_md_st* algorithm::method() const { return method_ != nullptr ? method_.get() : md5_method(); }

std::string algorithm::tag() const {
    if (name_ == "blake2b512") return "BLAKE2b";
    std::string upper(name_);
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    return upper;
}

std::vector<std::string> algorithm_names() {
    std::vector<std::string> names;
    EVP_MD_do_all_provided(
        nullptr,
        [](EVP_MD* method, void* to) {
            if (is_usable(method))
                static_cast<std::vector<std::string>*>(to)->push_back(shortest_name(method));
        },
        &names);
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    return names;
}

void append_hex(std::string& text, std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 0xfU];
    }
}

std::string hex(std::span<const std::uint8_t> bytes) {
    std::string text;
    text.reserve(2 * bytes.size());
    append_hex(text, bytes);
    return text;
}

/// MD5 in a single lane, for an OpenSSL without MD5.
class digest_stream::md5_by_lane {
public:
    void update(std::span<const std::byte> bytes) {
        size_ += bytes.size();
        if (!rest_.empty()) {
            const auto more = bytes.first(std::min(bytes.size(), md5_block_size - rest_.size()));
            rest_.insert(rest_.end(), more.begin(), more.end());
            bytes = bytes.subspan(more.size());
            if (rest_.size() < md5_block_size) return;
            advance(rest_);
            rest_.clear();
        }
        const std::size_t whole = bytes.size() / md5_block_size * md5_block_size;
        advance(bytes.first(whole));
        rest_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end());
    }
    digest_bytes finish() {
        const std::size_t used = rest_.size();
        rest_.resize(used + md5_message::padding_room);
        rest_.resize(used + md5_pad(&rest_[used], size_));
        advance(rest_);
        return md5_digest(state_);
    }

private:
    void advance(std::span<const std::byte> blocks) {
        md5_run run{&state_, blocks.data(), blocks.size() / md5_block_size};
        md5_advance({&run, 1});
    }

    md5_state state_ = md5_begin;
    std::uint64_t size_ = 0;
    std::vector<std::byte> rest_; // bytes of the last, incomplete block
};

void digest_stream::free_context::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

digest_stream::digest_stream(algorithm digest_algorithm)
    : context_{EVP_MD_CTX_new()}, algorithm_{std::move(digest_algorithm)} {
    if (context_ == nullptr) throw std::bad_alloc{};
}

digest_stream::digest_stream(digest_stream&&) noexcept = default;
digest_stream& digest_stream::operator=(digest_stream&&) noexcept = default;
digest_stream::~digest_stream() = default;

void digest_stream::begin_if_needed() {
    if (begun_) return;
    const EVP_MD* const method = algorithm_.method();
    if (method == nullptr)
        own_ = std::make_unique<md5_by_lane>();
    else if (EVP_DigestInit_ex2(context_.get(), method, nullptr) != 1)
        throw_digest_error("EVP_DigestInit_ex2");
    begun_ = true;
}

void digest_stream::update(std::span<const std::byte> bytes) {
    begin_if_needed();
    if (own_ != nullptr) return own_->update(bytes);
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
        throw_digest_error("EVP_DigestUpdate");
}

digest_bytes digest_stream::finish() {
    begin_if_needed();
    begun_ = false;
    if (own_ != nullptr) return own_->finish();
    std::array<std::uint8_t, digest_bytes::capacity> digest{};
    if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1)
        throw_digest_error("EVP_DigestFinal_ex");
    return {std::span<const std::uint8_t>{digest.data(), algorithm_.size()}};
}

} // namespace checksum
