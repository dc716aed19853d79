// Private to schemas/yaml: the parts of reading a job.
#pragma once
#include "schemas/job.hpp"
#include "schemas/yaml/job.hpp"
#include "schemas/yaml/reader.hpp"

namespace weft::yaml {

// Every key of a map of keys, read into `spec`.
void read_job_keys(Reader& reader, const Node& root, JobSpec& spec);
// Defaults that depend on other keys, required keys, and keys that contradict each other.
void complete_job(Reader& reader, const Node& root, std::string_view file_name, JobSpec& spec);
// Places the settings in the tree as if the file had said them.
void apply_settings(Reader& reader, const Overrides& overrides, Node& root);

// Every dotted key, for suggestions.
std::span<const std::string_view> job_key_paths();
// The entry at a dotted path, or null.
const Entry* find_entry(const Node& root, std::string_view path);

// The words of keys that have a closed set.
inline constexpr std::string_view signal_words[] = {"TERM", "USR1", "USR2", "none"};
inline constexpr std::uint32_t signal_numbers[] = {15, 10, 12, 0};

}  // namespace weft::yaml
