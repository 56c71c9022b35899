#include <checksum/digest.hpp>

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace checksum {
namespace {

[[noreturn]] void throw_digest_error(const char* failed_call) {
    std::array<char, 256> reason{};
    ERR_error_string_n(ERR_peek_last_error(), reason.data(), reason.size());
    ERR_clear_error();
    throw digest_error{std::string{failed_call} + ": " + reason.data()};
}

const EVP_MD* fetch_md5() {
    const EVP_MD* algorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
    if (algorithm == nullptr) throw_digest_error("EVP_MD_fetch");
    return algorithm;
}

/// Fetched once per process: a fetch per message costs 0.2 µs and takes a lock that all threads share.
const EVP_MD* md5_algorithm() {
    // Never freed: threads may still hash while the process runs its exit handlers.
    static const EVP_MD* const algorithm = fetch_md5();
    return algorithm;
}

/// The calling thread's own stream, at the beginning of a message.
md5_stream& thread_stream() {
    thread_local md5_stream stream;
    stream.restart();
    return stream;
}

} // namespace

void md5_stream::free_context::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

md5_stream::md5_stream() : context_{EVP_MD_CTX_new()} {
    if (context_ == nullptr) throw std::bad_alloc{};
}

void md5_stream::begin_if_needed() {
    if (begun_) return;
    if (EVP_DigestInit_ex2(context_.get(), md5_algorithm(), nullptr) != 1) {
        throw_digest_error("EVP_DigestInit_ex2");
    }
    begun_ = true;
}

void md5_stream::update(std::span<const std::byte> bytes) {
    begin_if_needed();
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) {
        throw_digest_error("EVP_DigestUpdate");
    }
}

md5 md5_stream::finish() {
    begin_if_needed();
    md5 digest{};
    if (EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) {
        throw_digest_error("EVP_DigestFinal_ex");
    }
    begun_ = false;
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

std::string hex(const md5& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (const std::uint8_t byte : digest) {
        text += digits[byte >> 4U];
        text += digits[byte & 0xfU];
    }
    return text;
}

} // namespace checksum
