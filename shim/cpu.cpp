// See cpu.h. Each is an MLX primitive whose work runs on MLX's own thread. Every row, the numbers along the last axis, is computed
// for itself and in one order, so that rows of a batch do not depend on each other.
#include "cpu.h"

#include <cmath>
#include <cstdint>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/c/private/array.h"
#include "mlx/c/private/stream.h"
#include "mlx/primitives.h"

namespace {

using mlx::core::array;

constexpr int LANES = 8;

// The rows of an array, wherever they lie.
template <class Number>
class Rows {
 public:
  explicit Rows(const array &a)
      : data_(a.data<Number>()), width_(a.shape(-1)), step_(a.strides(-1)), shape_(a.shape()), strides_(a.strides()), copy_(step_ == 1 ? 0 : width_) {}

  int64_t width() const { return width_; }

  // One row in one piece, good until the next call.
  const Number *at(int64_t row) {
    const Number *from = data_;
    for (int axis = static_cast<int>(shape_.size()) - 2; axis >= 0; axis--) {
      from += (row % shape_[axis]) * strides_[axis];
      row /= shape_[axis];
    }
    if (step_ == 1) return from;
    for (int64_t i = 0; i < width_; i++) copy_[i] = from[i * step_];
    return copy_.data();
  }

 private:
  const Number *data_;
  int64_t width_, step_;
  mlx::core::Shape shape_;
  mlx::core::Strides strides_;
  std::vector<Number> copy_;
};

int64_t rows_of(const array &a) { return a.size() == 0 ? 0 : static_cast<int64_t>(a.size()) / a.shape(-1); }

// What the three have in common: one output of the first input's shape, row by row.
class RowPrimitive : public mlx::core::Primitive {
 public:
  using Primitive::Primitive;

  void eval_cpu(const std::vector<array> &inputs, std::vector<array> &outputs) override {
    auto &out = outputs[0];
    out.set_data(mlx::core::allocator::malloc(out.nbytes()));
    auto &encoder = mlx::core::cpu::get_command_encoder(stream());
    std::vector<array> kept;
    for (auto &input : inputs) {
      encoder.set_input_array(input);
      kept.push_back(array::unsafe_weak_copy(input));
    }
    encoder.set_output_array(out);
    encoder.dispatch([this_row = row(), kept = std::move(kept), weak = array::unsafe_weak_copy(out)]() mutable {
      this_row(kept, weak.data<float>(), rows_of(weak));
    });
  }

  void eval_gpu(const std::vector<array> &, std::vector<array> &) override { throw std::runtime_error("this primitive runs on the CPU only"); }

 protected:
  using Work = std::function<void(const std::vector<array> &inputs, float *out, int64_t rows)>;
  virtual Work row() const = 0;
};

float mean_of_squares(const float *x, int64_t width) {
  float sums[LANES] = {};
  int64_t i = 0;
  for (; i + LANES <= width; i += LANES)
    for (int lane = 0; lane < LANES; lane++) sums[lane] += x[i + lane] * x[i + lane];
  for (int lane = 0; i < width; i++, lane++) sums[lane] += x[i] * x[i];
  float sum = 0;
  for (float part : sums) sum += part;
  return sum / static_cast<float>(width);
}

class RmsNorm : public RowPrimitive {
 public:
  RmsNorm(mlx::core::Stream stream, float eps) : RowPrimitive(stream), eps_(eps) {}
  const char *name() const override { return "RMSNorm"; }

 protected:
  Work row() const override {
    return [eps = eps_](const std::vector<array> &inputs, float *out, int64_t rows) {
      Rows<float> x(inputs[0]), weights(inputs.back());
      const float *weight = inputs.size() > 1 ? weights.at(0) : nullptr;
      for (int64_t r = 0; r < rows; r++, out += x.width()) {
        const float *from = x.at(r);
        const float scale = 1 / std::sqrt(mean_of_squares(from, x.width()) + eps);
        for (int64_t i = 0; i < x.width(); i++) out[i] = from[i] * scale * (weight ? weight[i] : 1);
      }
    };
  }

 private:
  float eps_;
};

class Turn : public RowPrimitive {
 public:
  using RowPrimitive::RowPrimitive;
  const char *name() const override { return "Turn"; }

 protected:
  Work row() const override {
    return [](const std::vector<array> &inputs, float *out, int64_t rows) {
      Rows<float> x(inputs[0]), cos(inputs[1]), sin(inputs[2]);
      Rows<int32_t> others(inputs[3]);
      const int32_t *other = others.at(0);
      const int64_t heads = inputs[0].shape(1), length = inputs[0].shape(2), tables = inputs[1].shape(0);
      for (int64_t r = 0; r < rows; r++, out += x.width()) {
        const int64_t table = (tables == 1 ? 0 : r / (heads * length) * length) + r % length;
        const float *from = x.at(r), *c = cos.at(table), *s = sin.at(table);
        for (int64_t i = 0; i < x.width(); i++) out[i] = from[i] * c[i] + from[other[i]] * s[i];
      }
    };
  }
};

class SwiGlu : public RowPrimitive {
 public:
  using RowPrimitive::RowPrimitive;
  const char *name() const override { return "SwiGLU"; }

 protected:
  Work row() const override {
    return [](const std::vector<array> &inputs, float *out, int64_t rows) {
      Rows<float> gate(inputs[0]), up(inputs[1]);
      for (int64_t r = 0; r < rows; r++, out += gate.width()) {
        const float *g = gate.at(r), *u = up.at(r);
        for (int64_t i = 0; i < gate.width(); i++) out[i] = g[i] / (1 + std::exp(-g[i])) * u[i];
      }
    };
  }
};

template <class Make>
int make(mlx_array *result, const Make &primitive) {
  try {
    mlx_array_set_(*result, primitive());
    return 0;
  } catch (std::exception &error) {
    mlx_error("%s", error.what());
    return 1;
  }
}

template <class Made, class... Settings>
array one_output(mlx::core::Stream stream, std::vector<array> inputs, Settings... settings) {
  const auto shape = inputs[0].shape();
  return array(shape, mlx::core::float32, std::make_shared<Made>(stream, settings...), std::move(inputs));
}

}  // namespace

bool mxs_cpu_takes(mlx_array x, mlx_stream stream) {
  const auto &a = mlx_array_get_(x);
  return mlx_stream_get_(stream).device == mlx::core::Device::cpu && a.dtype() == mlx::core::float32 && a.ndim() > 0;
}

int mxs_cpu_rms_norm(mlx_array *result, mlx_array x, mlx_array weight, float eps, mlx_stream stream) {
  return make(result, [&] {
    const auto s = mlx_stream_get_(stream);
    const auto &a = mlx_array_get_(x);
    std::vector<array> inputs{a};
    if (weight.ctx != nullptr) {
      const auto &w = mlx_array_get_(weight);
      if (w.ndim() != 1 || w.shape(0) != a.shape(-1)) throw std::invalid_argument("[rms_norm] weight must have the size of the last axis of x");
      inputs.push_back(mlx::core::astype(w, mlx::core::float32, s));
    }
    return one_output<RmsNorm>(s, std::move(inputs), eps);
  });
}

int mxs_cpu_turn(mlx_array *result, mlx_array x, mlx_array cos, mlx_array sin, mlx_array other, mlx_stream stream) {
  return make(result, [&] {
    const auto s = mlx_stream_get_(stream);
    const auto &a = mlx_array_get_(x), &c = mlx_array_get_(cos), &n = mlx_array_get_(sin), &o = mlx_array_get_(other);
    const bool fits = a.ndim() == 4 && c.ndim() == 4 && c.shape() == n.shape() && c.shape(1) == 1 && c.shape(2) == a.shape(2) &&
                      c.shape(3) == a.shape(3) && (c.shape(0) == 1 || c.shape(0) == a.shape(0)) && o.ndim() == 1 && o.shape(0) == a.shape(3) &&
                      c.dtype() == mlx::core::float32 && n.dtype() == mlx::core::float32 && o.dtype() == mlx::core::int32;
    if (!fits) throw std::invalid_argument("[turn] cos and sin must be [B or 1, 1, L, width] and other [width] of int32");
    return one_output<Turn>(s, {a, c, n, o});
  });
}

int mxs_cpu_swiglu(mlx_array *result, mlx_array gate, mlx_array up, mlx_stream stream) {
  return make(result, [&] {
    const auto s = mlx_stream_get_(stream);
    const auto &g = mlx_array_get_(gate), &u = mlx_array_get_(up);
    if (g.shape() != u.shape() || u.dtype() != mlx::core::float32) throw std::invalid_argument("[swiglu] gate and up must have one shape and type");
    return one_output<SwiGlu>(s, {g, u});
  });
}
