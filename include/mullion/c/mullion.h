/* SPDX-License-Identifier: MIT
 *
 * The C interface of Mullion: the only symbols that the library exports. C99.
 *
 * Errors. A function that can fail returns MullionStatus*: NULL is success, anything else belongs
 * to the caller and goes back with MullionStatus_Release. Outputs are untouched on failure. The
 * message is one UTF-8 sentence: what, where, why, what to do. docs/errors.md lists them. Functions
 * that return something else cannot fail; given NULL they answer 0, "" or NULL.
 *
 * Ownership. Objects are reference counted. X_Retain adds a reference, X_Release drops one; both
 * take NULL. A function that gives an object through an out parameter gives one reference with it.
 * Strings and arrays that a getter returns belong to the object and live as long as it does, unless
 * said otherwise.
 *
 * Threads. Retain and Release may be called from any thread. Models, devices, sessions, results and
 * cancellations may be used by several threads at once; bindings, options, and values that somebody
 * writes, by one at a time.
 *
 * Text is UTF-8 and ends with a zero byte.
 */
#ifndef MULLION_C_MULLION_H_
#define MULLION_C_MULLION_H_

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(MULLION_BUILDING)
#define MULLION_EXPORT __declspec(dllexport)
#elif defined(_WIN32)
#define MULLION_EXPORT
#elif defined(__GNUC__)
#define MULLION_EXPORT __attribute__((visibility("default")))
#else
#define MULLION_EXPORT
#endif

/* In C++ the enumerations are made of int: a number outside the list is then an error that the
 * library reports, and not undefined behaviour. */
#ifdef __cplusplus
#define MULLION_AS_INT : int
#else
#define MULLION_AS_INT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status ---------------------------------------------------------------------------------- */

typedef struct MullionStatus MullionStatus;

typedef enum MullionStatusCode MULLION_AS_INT {
  MULLION_OK = 0,
  MULLION_INVALID_ARGUMENT = 1, /* an interface was used wrongly */
  MULLION_NOT_FOUND = 2,        /* no such file, name or device */
  MULLION_INVALID_MODEL = 3,    /* the model's bytes or graph are broken */
  MULLION_UNSUPPORTED = 4,      /* legal, but not available in this build or on this device */
  MULLION_INVALID_BINDING = 5,  /* a bound value has the wrong kind or element type */
  MULLION_SIZE_MISMATCH = 6,    /* a bound value has the wrong rank or dimensions */
  MULLION_CLOSED = 7,           /* the object was closed */
  MULLION_CANCELLED = 8,        /* the evaluation was cancelled */
  MULLION_OUT_OF_MEMORY = 9,    /* memory could not be had */
  MULLION_EVALUATION = 10,      /* a run-time value made an operator fail */
  MULLION_OUT_OF_RANGE = 11,    /* an index or key outside what exists */
  MULLION_INTERNAL = 12         /* an invariant of the library was broken */
} MullionStatusCode;

MULLION_EXPORT MullionStatusCode MullionStatus_Code(const MullionStatus* status);
MULLION_EXPORT const char* MullionStatus_Message(const MullionStatus* status);
MULLION_EXPORT void MullionStatus_Release(MullionStatus* status);

/* "0.1.0". */
MULLION_EXPORT const char* MullionVersion(void);

/* ---- enumerations ---------------------------------------------------------------------------- */

/* TensorKind of Windows ML, which is ONNX's TensorProto.DataType. */
typedef enum MullionTensorKind MULLION_AS_INT {
  MULLION_TENSOR_UNDEFINED = 0,
  MULLION_TENSOR_FLOAT = 1,
  MULLION_TENSOR_UINT8 = 2,
  MULLION_TENSOR_INT8 = 3,
  MULLION_TENSOR_UINT16 = 4,
  MULLION_TENSOR_INT16 = 5,
  MULLION_TENSOR_INT32 = 6,
  MULLION_TENSOR_INT64 = 7,
  MULLION_TENSOR_STRING = 8,
  MULLION_TENSOR_BOOLEAN = 9,
  MULLION_TENSOR_FLOAT16 = 10,
  MULLION_TENSOR_DOUBLE = 11,
  MULLION_TENSOR_UINT32 = 12,
  MULLION_TENSOR_UINT64 = 13,
  MULLION_TENSOR_COMPLEX64 = 14,
  MULLION_TENSOR_COMPLEX128 = 15,
  MULLION_TENSOR_BFLOAT16 = 16,
  MULLION_TENSOR_FLOAT8E4M3FN = 17,
  MULLION_TENSOR_FLOAT8E4M3FNUZ = 18,
  MULLION_TENSOR_FLOAT8E5M2 = 19,
  MULLION_TENSOR_FLOAT8E5M2FNUZ = 20,
  MULLION_TENSOR_UINT4 = 21,
  MULLION_TENSOR_INT4 = 22,
  MULLION_TENSOR_FLOAT4E2M1 = 23,
  MULLION_TENSOR_FLOAT8E8M0 = 24,
  MULLION_TENSOR_UINT2 = 25,
  MULLION_TENSOR_INT2 = 26
} MullionTensorKind;

/* Bits of one element; 0 for strings and for numbers that are no kind. Elements of less than 8 bits
 * are packed, the first in the low bits. */
MULLION_EXPORT int MullionTensorKind_Bits(MullionTensorKind kind);
/* "float", "int64", "float8e4m3fn"; "undefined" for numbers that are no kind. */
MULLION_EXPORT const char* MullionTensorKind_Name(MullionTensorKind kind);

/* IEEE 754 binary16 from and to float, `count` elements; rounds to nearest even. */
MULLION_EXPORT void MullionFloat16_FromFloat(const float* from, uint16_t* to, size_t count);
MULLION_EXPORT void MullionFloat16_ToFloat(const uint16_t* from, float* to, size_t count);

/* LearningModelFeatureKind of Windows ML, and one kind that it does not have. */
typedef enum MullionFeatureKind MULLION_AS_INT {
  MULLION_FEATURE_TENSOR = 0,
  MULLION_FEATURE_SEQUENCE = 1,
  MULLION_FEATURE_MAP = 2,
  MULLION_FEATURE_IMAGE = 3,
  MULLION_FEATURE_OPTIONAL = 4
} MullionFeatureKind;

/* LearningModelDeviceKind of Windows ML; the three kinds of GPU choose among its adapters. */
typedef enum MullionDeviceKind MULLION_AS_INT {
  MULLION_DEVICE_DEFAULT = 0,
  MULLION_DEVICE_CPU = 1,
  MULLION_DEVICE_GPU = 2,
  MULLION_DEVICE_GPU_HIGH_PERFORMANCE = 3,
  MULLION_DEVICE_GPU_MIN_POWER = 4
} MullionDeviceKind;

/* How products of float tensors are computed; see MullionSessionOptions_SetPrecision. */
typedef enum MullionPrecision MULLION_AS_INT {
  MULLION_PRECISION_FP32 = 0,
  MULLION_PRECISION_FP16 = 1
} MullionPrecision;

/* BitmapPixelFormat of Windows.Graphics.Imaging, with two formats that it does not have. */
typedef enum MullionPixelFormat MULLION_AS_INT {
  MULLION_PIXEL_UNKNOWN = 0,
  MULLION_PIXEL_RGBA8 = 30,
  MULLION_PIXEL_GRAY8 = 62,
  MULLION_PIXEL_BGRA8 = 87,
  MULLION_PIXEL_RGB8 = 1001,
  MULLION_PIXEL_BGR8 = 1002
} MullionPixelFormat;

/* LearningModelPixelRange of Windows ML. */
typedef enum MullionPixelRange MULLION_AS_INT {
  MULLION_RANGE_0_255 = 0,
  MULLION_RANGE_0_1 = 1,
  MULLION_RANGE_MINUS1_1 = 2
} MullionPixelRange;

/* How a picture of another shape goes into a model's input. */
typedef enum MullionImageFit MULLION_AS_INT {
  MULLION_FIT_DEFAULT = 0, /* centre crop without bounds, stretch with bounds: as Windows ML does */
  MULLION_FIT_CENTER_CROP = 1,
  MULLION_FIT_STRETCH = 2,
  MULLION_FIT_LETTERBOX = 3,
  MULLION_FIT_LETTERBOX_TOP_LEFT = 4
} MullionImageFit;

/* How pixels are mixed when a picture changes its size. */
typedef enum MullionImageFilter MULLION_AS_INT {
  MULLION_FILTER_DEFAULT = 0, /* bilinear, but area along an axis that shrinks to less than half */
  MULLION_FILTER_NEAREST = 1,
  MULLION_FILTER_BILINEAR = 2,
  MULLION_FILTER_AREA = 3
} MullionImageFilter;

/* ---- model ----------------------------------------------------------------------------------- */

typedef struct MullionModel MullionModel;
typedef struct MullionFeature MullionFeature;

/* Where a model's bytes come from when they are in no file. `read` fills `buffer` with `length`
 * bytes from `offset` and returns 0, or anything else when it cannot. */
typedef struct MullionReader {
  void* context;
  uint64_t size;
  int (*read)(void* context, uint64_t offset, void* buffer, size_t length);
} MullionReader;

/* Maps the file, which must not change while the model or a session of it lives: cutting it short
 * ends the process. External data is looked for beneath the file's folder. */
MULLION_EXPORT MullionStatus* MullionModel_LoadFromFilePath(const char* path, MullionModel** model);
/* The same with everything read into memory: the files may change or go away. */
MULLION_EXPORT MullionStatus* MullionModel_LoadCopyFromFilePath(const char* path,
                                                                MullionModel** model);
/* Copies the bytes. */
MULLION_EXPORT MullionStatus* MullionModel_LoadFromBuffer(const void* bytes, size_t size,
                                                          MullionModel** model);
/* Reads everything during the call. */
MULLION_EXPORT MullionStatus* MullionModel_LoadFromReader(const MullionReader* reader,
                                                          MullionModel** model);
/* All functions above take compiled models, too: files that MullionModel_Compile wrote. One that is
 * of another version of the library or for another instruction set is refused with
 * MULLION_UNSUPPORTED, a damaged one with MULLION_INVALID_MODEL.
 *
 * This one takes the model at `path` from `compiled`, where that was compiled from what the files
 * of the model contain now. Where it was not, or is missing or refused, it loads `path`, and
 * MullionModel_CompiledRefusal says why. */
MULLION_EXPORT MullionStatus* MullionModel_LoadCompiled(const char* path, const char* compiled,
                                                        MullionModel** model);
/* Whether the model came from a compiled file. */
MULLION_EXPORT int MullionModel_IsCompiled(const MullionModel* model);
/* Why MullionModel_LoadCompiled did without the compiled file; "" otherwise. Lives as long as the
 * model. */
MULLION_EXPORT const char* MullionModel_CompiledRefusal(const MullionModel* model);
MULLION_EXPORT void MullionModel_Retain(MullionModel* model);
MULLION_EXPORT void MullionModel_Release(MullionModel* model);
/* Frees the weights. Descriptions can still be read; sessions that exist go on working. Happens by
 * itself when nobody but sessions refers to the model any more. */
MULLION_EXPORT void MullionModel_Close(MullionModel* model);

MULLION_EXPORT const char* MullionModel_Author(const MullionModel* model); /* producer_name */
MULLION_EXPORT const char* MullionModel_Name(const MullionModel* model);   /* the graph's name */
MULLION_EXPORT const char* MullionModel_Domain(const MullionModel* model);
MULLION_EXPORT const char* MullionModel_Description(const MullionModel* model);
MULLION_EXPORT int64_t MullionModel_Version(const MullionModel* model);
MULLION_EXPORT size_t MullionModel_MetadataCount(const MullionModel* model);
/* The entry number `index` (smaller than the count). */
MULLION_EXPORT const char* MullionModel_MetadataKey(const MullionModel* model, size_t index);
MULLION_EXPORT const char* MullionModel_MetadataValue(const MullionModel* model, size_t index);

/* Inputs that have no initializer, and outputs, in the graph's order. A feature belongs to the
 * model. An index out of range gives NULL. */
MULLION_EXPORT size_t MullionModel_InputCount(const MullionModel* model);
MULLION_EXPORT size_t MullionModel_OutputCount(const MullionModel* model);
MULLION_EXPORT const MullionFeature* MullionModel_Input(const MullionModel* model, size_t index);
MULLION_EXPORT const MullionFeature* MullionModel_Output(const MullionModel* model, size_t index);

MULLION_EXPORT const char* MullionFeature_Name(const MullionFeature* feature);
MULLION_EXPORT const char* MullionFeature_Description(const MullionFeature* feature);
MULLION_EXPORT MullionFeatureKind MullionFeature_Kind(const MullionFeature* feature);
/* Tensors and images: the element type. */
MULLION_EXPORT MullionTensorKind MullionFeature_TensorKind(const MullionFeature* feature);
/* Tensors and images: the number of dimensions, or -1 when unknown; and each, -1 when free. */
MULLION_EXPORT int MullionFeature_Rank(const MullionFeature* feature);
MULLION_EXPORT int64_t MullionFeature_Dimension(const MullionFeature* feature, int axis);
/* The name of a free dimension, "" when it has none. */
MULLION_EXPORT const char* MullionFeature_DimensionName(const MullionFeature* feature, int axis);
/* Images. A free width or height is -1. */
MULLION_EXPORT MullionPixelFormat MullionFeature_PixelFormat(const MullionFeature* feature);
MULLION_EXPORT MullionPixelRange MullionFeature_PixelRange(const MullionFeature* feature);
MULLION_EXPORT int64_t MullionFeature_Width(const MullionFeature* feature);
MULLION_EXPORT int64_t MullionFeature_Height(const MullionFeature* feature);
/* Maps: the kind of the keys. */
MULLION_EXPORT MullionTensorKind MullionFeature_KeyKind(const MullionFeature* feature);
/* What a sequence, map or optional holds; NULL for tensors and images. */
MULLION_EXPORT const MullionFeature* MullionFeature_Element(const MullionFeature* feature);

/* ---- device ---------------------------------------------------------------------------------- */

typedef struct MullionDevice MullionDevice;

/* MULLION_NOT_FOUND when there is no such device; never another one instead.
 * MULLION_INVALID_ARGUMENT also when the environment's MULLION_CPU names an instruction level that
 * is not there. */
MULLION_EXPORT MullionStatus* MullionDevice_Create(MullionDeviceKind kind, MullionDevice** device);
MULLION_EXPORT void MullionDevice_Retain(MullionDevice* device);
MULLION_EXPORT void MullionDevice_Release(MullionDevice* device);
MULLION_EXPORT const char* MullionDevice_Name(const MullionDevice* device); /* "cpu" */
/* The instruction level that CPU kernels use: "avx512", ... */
MULLION_EXPORT const char* MullionCpuLevel(void);

/* ---- session --------------------------------------------------------------------------------- */

typedef struct MullionSessionOptions MullionSessionOptions;
typedef struct MullionSession MullionSession;

MULLION_EXPORT MullionSessionOptions* MullionSessionOptions_Create(void);
MULLION_EXPORT void MullionSessionOptions_Release(MullionSessionOptions* options);
/* A size for the free batch dimension of all inputs and outputs: the one with the denotation
 * DATA_BATCH, else the leading one. 0 (default) leaves it as the model has it. */
MULLION_EXPORT void MullionSessionOptions_SetBatchSizeOverride(MullionSessionOptions* options,
                                                               uint32_t size);
/* A size for a named free dimension; 0 leaves it free. Names that no input has are ignored. */
MULLION_EXPORT void MullionSessionOptions_OverrideNamedDimension(MullionSessionOptions* options,
                                                                 const char* name, uint32_t size);
MULLION_EXPORT void MullionSessionOptions_SetCloseModelOnSessionCreation(
    MullionSessionOptions* options, int close);
/* Threads of an evaluation, the caller's included; 0 (default) takes all available processors.
 * Whatever it is, creating a session packs weights of 16 MiB and more on up to four of them. */
MULLION_EXPORT void MullionSessionOptions_SetThreads(MullionSessionOptions* options,
                                                     uint32_t threads);
/* MULLION_PRECISION_FP16 allows half precision where the device is faster so: products (Conv, Gemm,
 * MatMul) of float tensors with constant weights then round their operands to float16 and sum up to
 * 64 products in it, which changes a result by about a thousandth of its tensor's range per layer;
 * values beyond 65504 become infinite. Tensors stay float. Where the device has no such arithmetic
 * (AVX512-FP16) everything is computed in float: MullionSession_Precision tells. Default:
 * MULLION_PRECISION_FP32; other numbers make MullionSession_Create fail with
 * MULLION_INVALID_ARGUMENT. */
MULLION_EXPORT void MullionSessionOptions_SetPrecision(MullionSessionOptions* options,
                                                       MullionPrecision precision);
/* Graph rewrites, on by default; off for comparing. */
MULLION_EXPORT void MullionSessionOptions_SetOptimize(MullionSessionOptions* options, int optimize);

/* Writes what a session would be made of, optimized graph and packed weights, to a file that the
 * functions above load in the time it takes to map and check it. It is for this version of the
 * library and for the instruction set in use (MullionCpuLevel). `device` and `options` as below;
 * sizes that the options fix stay free, and it computes in fp32. A file that is there is replaced
 * when the new one is complete. */
MULLION_EXPORT MullionStatus* MullionModel_Compile(MullionModel* model, MullionDevice* device,
                                                   const MullionSessionOptions* options,
                                                   const char* path);

/* Optimizes the model and packs its weights for the device; the message of a failure names the
 * model. `device` and `options` may be NULL: the default device, default options. The options are
 * copied. */
MULLION_EXPORT MullionStatus* MullionSession_Create(MullionModel* model, MullionDevice* device,
                                                    const MullionSessionOptions* options,
                                                    MullionSession** session);
MULLION_EXPORT void MullionSession_Retain(MullionSession* session);
MULLION_EXPORT void MullionSession_Release(MullionSession* session);
/* Later evaluations fail with MULLION_CLOSED; running ones finish. Results stay valid. */
MULLION_EXPORT void MullionSession_Close(MullionSession* session);
/* The model and the device that it was made from, without a reference. */
MULLION_EXPORT MullionModel* MullionSession_Model(const MullionSession* session);
MULLION_EXPORT MullionDevice* MullionSession_Device(const MullionSession* session);
MULLION_EXPORT uint32_t MullionSession_Threads(const MullionSession* session);
/* MULLION_PRECISION_FP16 when half precision was asked for and some node really computes in it. */
MULLION_EXPORT MullionPrecision MullionSession_Precision(const MullionSession* session);
/* Where the nodes of the optimized graph run, and how. Lines live as long as the session. */
MULLION_EXPORT size_t MullionSession_PlacementCount(const MullionSession* session);
MULLION_EXPORT const char* MullionSession_PlacementNode(const MullionSession* session,
                                                        size_t index);
MULLION_EXPORT const char* MullionSession_PlacementDevice(const MullionSession* session,
                                                          size_t index);
MULLION_EXPORT MullionPrecision MullionSession_PlacementPrecision(const MullionSession* session,
                                                                  size_t index);

/* ---- values ---------------------------------------------------------------------------------- */

/* A tensor, sequence, map, image or empty optional. */
typedef struct MullionValue MullionValue;

MULLION_EXPORT void MullionValue_Retain(MullionValue* value);
MULLION_EXPORT void MullionValue_Release(MullionValue* value);
MULLION_EXPORT MullionFeatureKind MullionValue_Kind(const MullionValue* value);

/* A tensor with memory of its own: `data` (row-major, `bytes` of it) is copied, or elements are
 * zero when it is NULL. Dimensions of 0 are allowed. Strings: only without data; elements are "".
 */
MULLION_EXPORT MullionStatus* MullionValue_CreateTensor(MullionTensorKind kind,
                                                        const int64_t* shape, size_t rank,
                                                        const void* data, size_t bytes,
                                                        MullionValue** value);
/* A tensor over the caller's memory, which stays valid and in place until `release` is called (with
 * `context`, from any thread; not when this function fails) or, when `release` is NULL, as long as
 * the value or a binding of it lives. Aligned to 64 bytes is fastest; the size of an element is
 * required. Booleans must be 0 or 1. Not for strings. */
MULLION_EXPORT MullionStatus* MullionValue_WrapTensor(MullionTensorKind kind, const int64_t* shape,
                                                      size_t rank, void* data, size_t bytes,
                                                      void (*release)(void* context), void* context,
                                                      MullionValue** value);
/* A tensor without shape and memory, to be bound to an output: every evaluation replaces its
 * content by a fresh result, pointers into the one before become invalid. After an evaluation it
 * may be bound to an input of another session as well. */
MULLION_EXPORT MullionStatus* MullionValue_CreatePlaceholder(MullionTensorKind kind,
                                                             MullionValue** value);
/* A tensor of strings; `strings` has one entry per element. */
MULLION_EXPORT MullionStatus* MullionValue_CreateStringTensor(const int64_t* shape, size_t rank,
                                                              const char* const* strings,
                                                              MullionValue** value);
MULLION_EXPORT MullionTensorKind MullionValue_TensorKind(const MullionValue* value);
MULLION_EXPORT size_t MullionValue_Rank(const MullionValue* value);
MULLION_EXPORT const int64_t* MullionValue_Shape(const MullionValue* value);
MULLION_EXPORT int64_t MullionValue_ElementCount(const MullionValue* value);
/* The elements of a tensor that is not of strings; may be written by its only owner. */
MULLION_EXPORT void* MullionValue_Data(const MullionValue* value);
MULLION_EXPORT size_t MullionValue_ByteSize(const MullionValue* value);
/* Element `index` of a tensor of strings, NULL when there is none, and its length in bytes: strings
 * may hold zero bytes. */
MULLION_EXPORT const char* MullionValue_String(const MullionValue* value, int64_t index);
MULLION_EXPORT size_t MullionValue_StringSize(const MullionValue* value, int64_t index);
MULLION_EXPORT MullionStatus* MullionValue_SetString(MullionValue* value, int64_t index,
                                                     const char* text, size_t size);

/* A sequence of tensors, maps or sequences of one type, or of images: a batch for an image input.
 * Items share their memory with `items`, or copy it where WrapTensor got no `release`.
 * `element_kind` matters for a sequence of tensors that is empty. */
MULLION_EXPORT MullionStatus* MullionValue_CreateSequence(MullionTensorKind element_kind,
                                                          MullionValue* const* items, size_t count,
                                                          MullionValue** value);
MULLION_EXPORT size_t MullionValue_ItemCount(const MullionValue* value);
MULLION_EXPORT MullionStatus* MullionValue_Item(const MullionValue* value, size_t index,
                                                MullionValue** item);
/* A map from `keys` (int64 or string) to `values`: one-dimensional tensors of the same length,
 * whose memory it shares as a sequence does. */
MULLION_EXPORT MullionStatus* MullionValue_CreateMap(MullionValue* keys, MullionValue* values,
                                                     MullionValue** value);
MULLION_EXPORT MullionStatus* MullionValue_MapKeys(const MullionValue* value, MullionValue** keys);
MULLION_EXPORT MullionStatus* MullionValue_MapValues(const MullionValue* value,
                                                     MullionValue** values);
/* An optional that holds nothing. A full one is its content. */
MULLION_EXPORT MullionStatus* MullionValue_CreateEmptyOptional(MullionValue** value);

/* A picture with pixels of its own (VideoFrame of Windows ML). `pixels` are copied, rows
 * `row_stride` bytes apart (0: packed), or all are zero when NULL. Origin top left, sRGB, alpha
 * straight. */
MULLION_EXPORT MullionStatus* MullionValue_CreateImage(MullionPixelFormat format, uint32_t width,
                                                       uint32_t height, const void* pixels,
                                                       ptrdiff_t row_stride, MullionValue** value);
MULLION_EXPORT MullionPixelFormat MullionValue_PixelFormat(const MullionValue* value);
MULLION_EXPORT uint32_t MullionValue_Width(const MullionValue* value);
MULLION_EXPORT uint32_t MullionValue_Height(const MullionValue* value);
MULLION_EXPORT void* MullionValue_Pixels(const MullionValue* value); /* rows are packed */

/* ---- binding and evaluation ------------------------------------------------------------------ */

typedef struct MullionBinding MullionBinding;
typedef struct MullionResult MullionResult;
typedef struct MullionCancellation MullionCancellation;

/* How an image is turned into a tensor and back. Begin with MULLION_IMAGE_OPTIONS_INIT; what is
 * left at its default comes from the model's metadata, then from the tensor's shape. */
typedef struct MullionImageOptions {
  uint32_t size; /* sizeof(MullionImageOptions) */
  /* Whether `bounds` counts: left, top, width, height in pixels. Inputs: the part of the picture to
   * use. Outputs: the part of it to write, of the tensor's size; by default at the top left. */
  int has_bounds;
  uint32_t bounds[4];
  MullionPixelFormat format; /* channel order of the tensor; alpha takes no channel */
  int range;                 /* a MullionPixelRange, or -1: default */
  MullionImageFit fit;       /* inputs only */
  /* Whether each element is (v - mean) / deviation, after the range; mean[0] and deviation[0]
   * belong to the tensor's first channel. */
  int has_normalization;
  float mean[3];
  float deviation[3];
  int channels_last;         /* 1: the tensor is [N,H,W,C]; 0: [N,C,H,W]; -1: by its shape */
  MullionImageFilter filter; /* inputs only */
  uint8_t margin[3];         /* red, green, blue of what letterboxing leaves over */
} MullionImageOptions;
#define MULLION_IMAGE_OPTIONS_INIT                                                     \
  {                                                                                    \
    (uint32_t)sizeof(MullionImageOptions), 0, {0, 0, 0, 0}, MULLION_PIXEL_UNKNOWN, -1, \
        MULLION_FIT_DEFAULT, 0, {0, 0, 0}, {1, 1, 1}, -1, MULLION_FILTER_DEFAULT, {    \
      0, 0, 0                                                                          \
    }                                                                                  \
  }

/* Which part of a picture (`source`) went to which part of the tensor (`target`): left, top, width,
 * height. A point (x, y) of the tensor lies in the picture at
 * source[0] + (x - target[0]) * source[2] / target[2], and likewise for y. */
typedef struct MullionImageMapping {
  uint32_t source[4];
  uint32_t target[4];
} MullionImageMapping;

MULLION_EXPORT MullionStatus* MullionBinding_Create(MullionSession* session,
                                                    MullionBinding** binding);
MULLION_EXPORT void MullionBinding_Retain(MullionBinding* binding);
MULLION_EXPORT void MullionBinding_Release(MullionBinding* binding);
/* Binds a value to an input, or memory to an output, by name: inputs before outputs, an exact match
 * before one that differs in case. The binding holds a reference, and lets go of what was bound
 * there before. Tensors are read and written in place at every evaluation; images are converted
 * now: bind again when their pixels change. Bound outputs are written at every evaluation.
 * Sequences, maps and placeholders bound to an output get the result as their new content.
 *
 * `options` may be NULL and matters for images only. An image may be bound to an image, or to a
 * float, float16 or uint8 tensor of rank 4 with 1 or 3 channels; a sequence of images to a batch.
 *
 * Errors: MULLION_INVALID_BINDING for an unknown name or a wrong kind, MULLION_SIZE_MISMATCH for a
 * wrong rank, dimension or image size. */
MULLION_EXPORT MullionStatus* MullionBinding_Bind(MullionBinding* binding, const char* name,
                                                  MullionValue* value,
                                                  const MullionImageOptions* options);
MULLION_EXPORT void MullionBinding_Clear(MullionBinding* binding);
MULLION_EXPORT size_t MullionBinding_Count(const MullionBinding* binding);
/* The names that something is bound to, as they were spelt, in the order of binding. */
MULLION_EXPORT const char* MullionBinding_Name(const MullionBinding* binding, size_t index);
/* The value bound under `name` as it was spelt, with a reference; MULLION_OUT_OF_RANGE if none. */
MULLION_EXPORT MullionStatus* MullionBinding_Lookup(const MullionBinding* binding, const char* name,
                                                    MullionValue** value);

/* What Bind would find under `name`, with the session's overridden dimensions; NULL when there is
 * nothing. Lives as long as the session. `is_output` may be NULL. */
MULLION_EXPORT const MullionFeature* MullionBinding_Feature(const MullionBinding* binding,
                                                            const char* name, int* is_output);
/* How the image bound to the input `name` was fitted; of a batch, its first one.
 * MULLION_OUT_OF_RANGE when no image is bound there. */
MULLION_EXPORT MullionStatus* MullionBinding_ImageMapping(const MullionBinding* binding,
                                                          const char* name,
                                                          MullionImageMapping* mapping);

MULLION_EXPORT MullionCancellation* MullionCancellation_Create(void);
MULLION_EXPORT void MullionCancellation_Retain(MullionCancellation* cancellation);
MULLION_EXPORT void MullionCancellation_Release(MullionCancellation* cancellation);
/* From any thread: evaluations with this object stop soon with MULLION_CANCELLED, later ones at
 * once. */
MULLION_EXPORT void MullionCancellation_Cancel(MullionCancellation* cancellation);
MULLION_EXPORT int MullionCancellation_IsCancelled(const MullionCancellation* cancellation);

/* Evaluates on the calling thread and the session's helpers. `correlation_id` may be NULL and comes
 * back in the result; `cancellation` may be NULL. Values of outputs that were bound are those very
 * values; the others are fresh and stay valid whatever happens to the session. Image outputs are
 * images, or sequences of images when their batch is not 1. */
MULLION_EXPORT MullionStatus* MullionSession_Evaluate(MullionSession* session,
                                                      MullionBinding* binding,
                                                      const char* correlation_id,
                                                      MullionCancellation* cancellation,
                                                      MullionResult** result);
/* The same without a result object, for bound outputs in a tight loop: with all outputs bound it
 * allocates nothing once shapes have been seen. Outputs that are not bound are computed and lost.
 */
MULLION_EXPORT MullionStatus* MullionSession_Run(MullionSession* session, MullionBinding* binding,
                                                 MullionCancellation* cancellation);
MULLION_EXPORT void MullionResult_Retain(MullionResult* result);
MULLION_EXPORT void MullionResult_Release(MullionResult* result);
MULLION_EXPORT const char* MullionResult_CorrelationId(const MullionResult* result);
MULLION_EXPORT size_t MullionResult_OutputCount(const MullionResult* result);
MULLION_EXPORT const char* MullionResult_OutputName(const MullionResult* result, size_t index);
/* With a reference. */
MULLION_EXPORT MullionStatus* MullionResult_Output(const MullionResult* result, size_t index,
                                                   MullionValue** value);

/* ---- profiling ------------------------------------------------------------------------------- */

typedef struct MullionProfile MullionProfile;

/* Evaluates once, as Run does, and records every step. */
MULLION_EXPORT MullionStatus* MullionSession_Profile(MullionSession* session,
                                                     MullionBinding* binding,
                                                     MullionProfile** profile);
MULLION_EXPORT void MullionProfile_Release(MullionProfile* profile);
MULLION_EXPORT size_t MullionProfile_Count(const MullionProfile* profile);
/* "node 'conv1' (Conv, opset 9)", and what it runs as now: "Conv". */
MULLION_EXPORT const char* MullionProfile_Node(const MullionProfile* profile, size_t index);
MULLION_EXPORT const char* MullionProfile_Operator(const MullionProfile* profile, size_t index);
MULLION_EXPORT int64_t MullionProfile_StartNanoseconds(const MullionProfile* profile, size_t index);
MULLION_EXPORT int64_t MullionProfile_Nanoseconds(const MullionProfile* profile, size_t index);
/* Bytes of tensors read and written. */
MULLION_EXPORT int64_t MullionProfile_Bytes(const MullionProfile* profile, size_t index);
/* Which of the evaluation's threads ran the step: steps of a batch may run for some samples on one
 * and for others on another at the same time. 0 where all threads shared the step. */
MULLION_EXPORT uint32_t MullionProfile_Thread(const MullionProfile* profile, size_t index);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MULLION_C_MULLION_H_ */
