#include "schemas/yaml/job.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "schemas/yaml/job_keys.hpp"

namespace weft::yaml {
namespace {

bool in_script_head(std::string_view line) { return line.empty() || line.starts_with("#"); }

// `#WEFT key=value` lines before the first line of code.
std::vector<Setting> script_settings(std::string_view text, std::vector<Problem>& problems) {
  constexpr std::string_view mark = "#WEFT";
  std::vector<Setting> out;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!in_script_head(line)) break;
    if (!line.starts_with(mark) ||
        (line.size() > mark.size() && line[mark.size()] != ' ' && line[mark.size()] != '\t'))
      continue;
    const std::size_t start = line.find_first_not_of(" \t", mark.size());
    const std::size_t equals = line.find('=');
    const bool blank_before =
        equals != line.npos && (line[equals - 1] == ' ' || line[equals - 1] == '\t');
    if (start == line.npos || equals == line.npos || equals == start || blank_before) {
      problems.push_back({number,
                          1,
                          Code::spec_syntax,
                          {},
                          "not a '#WEFT key=value' line; write e.g. #WEFT nodes=4"});
      continue;
    }
    std::string_view value = line.substr(equals + 1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    out.push_back({std::string(line.substr(start, equals - start)), std::string(value), number,
                   static_cast<int>(start) + 1});
  }
  return out;
}

JobFile read_tree(Document document, std::string_view file_name, const Overrides& overrides) {
  JobFile out;
  const bool unreadable = std::any_of(
      document.problems.begin(), document.problems.end(),
      [](const Problem& p) { return p.code == Code::spec_syntax || p.code == Code::spec_size; });
  Reader reader(std::move(document.problems), job_key_paths());
  if (!unreadable) {  // else its keys are not all there, and what follows would be noise
    Node root = std::move(document.root);
    if (root.kind == Node::Kind::null) root.kind = Node::Kind::map;  // an empty file
    apply_settings(reader, overrides, root);
    read_job_keys(reader, root, out.spec);
    if (!overrides.run.empty()) out.spec.run = overrides.run;
    if (root.kind == Node::Kind::map) complete_job(reader, root, file_name, out.spec);
  }
  out.problems = reader.take_problems();
  return out;
}

std::string joined_path(std::string_view folder, std::string_view path) {
  if (path.starts_with("/")) return std::string(path);
  if (path == "." || path.empty()) return std::string(folder);
  if (path.starts_with("./")) path.remove_prefix(2);
  return fmt::format("{}{}{}", folder, folder.ends_with("/") ? "" : "/", path);
}

}  // namespace

JobFile read_job(std::string_view text, std::string_view file_name, const Overrides& overrides) {
  return read_tree(parse_document(text), file_name, overrides);
}

JobFile read_script(std::string_view text, std::string_view file_name, Overrides overrides) {
  Document document;
  document.root.kind = Node::Kind::map;
  auto lines = script_settings(text, document.problems);
  lines.insert(lines.end(), overrides.settings.begin(),
               overrides.settings.end());  // flags come last and win
  overrides.settings = std::move(lines);
  return read_tree(std::move(document), file_name, overrides);
}

void resolve_paths(JobSpec& spec, std::string_view folder) {
  spec.workdir = joined_path(folder, spec.workdir);
  if (!spec.checkpoint_dir.empty())
    spec.checkpoint_dir = joined_path(spec.workdir, spec.checkpoint_dir);
}

}  // namespace weft::yaml
