#include <checksum/algorithm.hpp>

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
    if (method == nullptr) throw_digest_error("EVP_MD_fetch");
    return method;
}

/// Fetched once per process: a fetch per message costs 0.2 µs and takes a lock that all threads share.
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

/// Names like "rmd160", none like "1.3.36.3.2.1" or "ripemd".
bool is_telling(std::string_view name) {
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
            if (is_telling(name) && (best.empty() || std::string_view(name).size() < best.size()))
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
    std::string message = "no digest algorithm '" + std::string(name) + "'; there are:";
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

void digest_stream::free_context::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

digest_stream::digest_stream(algorithm by) : context_{EVP_MD_CTX_new()}, by_{std::move(by)} {
    if (context_ == nullptr) throw std::bad_alloc{};
}

void digest_stream::begin_if_needed() {
    if (begun_) return;
    if (EVP_DigestInit_ex2(context_.get(), by_.method(), nullptr) != 1)
        throw_digest_error("EVP_DigestInit_ex2");
    begun_ = true;
}

void digest_stream::update(std::span<const std::byte> bytes) {
    begin_if_needed();
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
        throw_digest_error("EVP_DigestUpdate");
}

digest_bytes digest_stream::finish() {
    begin_if_needed();
    std::array<std::uint8_t, digest_bytes::capacity> digest{};
    if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1)
        throw_digest_error("EVP_DigestFinal_ex");
    begun_ = false;
    return {std::span<const std::uint8_t>{digest.data(), by_.size()}};
}

} // namespace checksum
