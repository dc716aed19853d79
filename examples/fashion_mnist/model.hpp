// A multi-layer perceptron: dense layers with rectifiers between them, softmax with cross entropy
// at the end. Weights live in one flat vector, last layer first, because that is the order in which
// the backward pass produces gradients: a finished piece can be sent while the next one is
// computed. Owns: its buffers, grown to the largest batch once. Thread: one.
#pragma once
#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dataset.hpp"

namespace fashion {

struct BatchResult {
  float loss = 0;  // summed over the batch
  std::uint32_t correct = 0;
};

class Model {
 public:
  explicit Model(const std::vector<int>& hidden);

  [[nodiscard]] std::size_t weight_count() const { return weight_count_; }
  void initialise(std::uint64_t seed, std::span<float> weights) const;

  // Classifies the images at `indices`.
  BatchResult forward(const Images& images, std::span<const std::uint32_t> indices,
                      std::span<const float> weights);
  // After forward: the gradient of loss * scale, handed to `take(at, values)` piece by piece, in
  // the order of the flat vector; a piece has about `piece` elements at most.
  using Take = std::function<void(std::size_t at, std::span<const float> values)>;
  void backward(std::span<const float> weights, float scale, std::size_t piece, const Take& take);

 private:
  using Matrix = Eigen::MatrixXf;
  struct Layer {
    Eigen::Index in, out;
    std::size_t bias_at, weights_at;  // in the flat vector; weights column after column
  };
  std::vector<Layer> layers_;  // first to last
  std::size_t weight_count_ = 0;
  std::vector<Matrix> activations_;  // [0] is the input; one column an image
  Matrix delta_, delta_below_, piece_;
  Eigen::VectorXf bias_piece_;
  std::vector<std::uint8_t> labels_;
};

}  // namespace fashion
