#include "model.hpp"

#include <algorithm>
#include <cmath>

#include "order.hpp"

namespace fashion {
namespace {

using ConstWeights = Eigen::Map<const Eigen::MatrixXf>;
using ConstBias = Eigen::Map<const Eigen::VectorXf>;
constexpr float pixel_mean = 0.2860F, pixel_deviation = 0.3530F;  // of the 60,000 training images

}  // namespace

Model::Model(const std::vector<int>& hidden) {
  std::vector<Eigen::Index> sizes{static_cast<Eigen::Index>(pixels)};
  sizes.insert(sizes.end(), hidden.begin(), hidden.end());
  sizes.push_back(static_cast<Eigen::Index>(classes));
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i)
    layers_.push_back({sizes[i], sizes[i + 1], 0, 0});
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    layer->bias_at = weight_count_;
    layer->weights_at = layer->bias_at + static_cast<std::size_t>(layer->out);
    weight_count_ = layer->weights_at + static_cast<std::size_t>(layer->in * layer->out);
  }
  activations_.resize(layers_.size() + 1);
}

void Model::initialise(std::uint64_t seed, std::span<float> weights) const {
  SplitMix random(seed);
  std::fill(weights.begin(), weights.end(), 0.0F);
  for (const Layer& layer : layers_) {  // He et al.: uniform with variance 2 / in
    const float bound = std::sqrt(6.0F / static_cast<float>(layer.in));
    for (float& w :
         weights.subspan(layer.weights_at, static_cast<std::size_t>(layer.in * layer.out)))
      w = bound * (2.0F * random.uniform() - 1.0F);
  }
}

BatchResult Model::forward(const Images& images, std::span<const std::uint32_t> indices,
                           std::span<const float> weights) {
  const auto count = static_cast<Eigen::Index>(indices.size());
  Matrix& input = activations_[0];
  input.resize(static_cast<Eigen::Index>(pixels), count);
  labels_.resize(indices.size());
  for (Eigen::Index i = 0; i < count; ++i) {
    const std::size_t image = indices[static_cast<std::size_t>(i)];
    const Eigen::Map<const Eigen::Matrix<std::uint8_t, Eigen::Dynamic, 1>> bytes(
        images.bytes.data() + image * pixels, static_cast<Eigen::Index>(pixels));
    input.col(i) =
        (bytes.cast<float>().array() * (1.0F / 255.0F) - pixel_mean) * (1.0F / pixel_deviation);
    labels_[static_cast<std::size_t>(i)] = images.labels[image];
  }
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const ConstWeights w(weights.data() + layer.weights_at, layer.out, layer.in);
    const ConstBias b(weights.data() + layer.bias_at, layer.out);
    Matrix& out = activations_[l + 1];
    out.noalias() = w * activations_[l];
    out.colwise() += b;
    if (l + 1 < layers_.size()) out = out.cwiseMax(0.0F);
  }
  BatchResult result;
  const Matrix& scores = activations_.back();
  delta_.resize(scores.rows(), count);  // softmax minus one-hot: the gradient at the scores
  for (Eigen::Index i = 0; i < count; ++i) {
    Eigen::Index best = 0;
    const float most = scores.col(i).maxCoeff(&best);
    const Eigen::Index label = labels_[static_cast<std::size_t>(i)];
    delta_.col(i) = (scores.col(i).array() - most).exp();
    const float sum = delta_.col(i).sum();
    delta_.col(i) /= sum;
    result.loss += std::log(sum) + most - scores(label, i);
    result.correct += best == label ? 1U : 0U;
    delta_(label, i) -= 1.0F;
  }
  return result;
}

void Model::backward(std::span<const float> weights, float scale, std::size_t piece,
                     const Take& take) {
  delta_ *= scale;
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const Layer& layer = layers_[l];
    const Matrix& below = activations_[l];
    bias_piece_ = delta_.rowwise().sum();
    take(layer.bias_at, {bias_piece_.data(), static_cast<std::size_t>(bias_piece_.size())});
    const Eigen::Index step =
        std::max<Eigen::Index>(1, static_cast<Eigen::Index>(piece) / layer.out);
    for (Eigen::Index from = 0; from < layer.in; from += step) {
      const Eigen::Index columns = std::min(step, layer.in - from);
      piece_.resize(layer.out, columns);
      piece_.noalias() = delta_ * below.middleRows(from, columns).transpose();
      take(layer.weights_at + static_cast<std::size_t>(from * layer.out),
           {piece_.data(), static_cast<std::size_t>(piece_.size())});
    }
    if (l == 0) break;
    const ConstWeights w(weights.data() + layer.weights_at, layer.out, layer.in);
    delta_below_.noalias() = w.transpose() * delta_;
    delta_below_.array() *= (below.array() > 0.0F).cast<float>();
    delta_.swap(delta_below_);
  }
}

}  // namespace fashion
