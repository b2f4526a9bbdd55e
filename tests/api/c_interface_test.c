/* SPDX-License-Identifier: MIT
 *
 * The C interface from C99: that the headers are C, and the whole way from a file to a result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mullion/c/image_codecs.h"
#include "mullion/c/mullion.h"

static int failures = 0;

static void Expect(int condition, const char* what) {
  if (condition) return;
  ++failures;
  fprintf(stderr, "failed: %s\n", what);
}

static void ExpectOk(MullionStatus* status, const char* what) {
  if (status != NULL) fprintf(stderr, "%s: %s\n", what, MullionStatus_Message(status));
  Expect(status == NULL, what);
  MullionStatus_Release(status);
}

static void ExpectCode(MullionStatus* status, MullionStatusCode code, const char* what) {
  Expect(MullionStatus_Code(status) == code, what);
  Expect(strlen(MullionStatus_Message(status)) > 20, "a failure says what and why");
  MullionStatus_Release(status);
}

/* A blank picture through the digits model. */
static void TestEvaluation(const char* path) {
  MullionModel* model = NULL;
  MullionSessionOptions* session_options = MullionSessionOptions_Create();
  MullionSession* session = NULL;
  MullionBinding* binding = NULL;
  MullionResult* result = NULL;
  MullionValue* image = NULL;
  MullionValue* output = NULL;
  MullionImageOptions options = MULLION_IMAGE_OPTIONS_INIT;
  const float* values = NULL;
  float sum = 0;
  int i = 0;

  ExpectOk(MullionModel_LoadFromFilePath(path, &model), "load");
  Expect(MullionModel_InputCount(model) == 1, "one input");
  Expect(MullionFeature_Kind(MullionModel_Input(model, 0)) == MULLION_FEATURE_IMAGE, "an image");
  Expect(MullionModel_Input(model, 1) == NULL, "no second input");
  MullionSessionOptions_SetPrecision(session_options, MULLION_PRECISION_FP16);
  ExpectOk(MullionSession_Create(model, NULL, session_options, &session), "session");
  MullionSessionOptions_Release(session_options);
  if (strcmp(MullionCpuLevel(), "avx512fp16") != 0) {
    Expect(MullionSession_Precision(session) == MULLION_PRECISION_FP32, "what is really used");
  }
  MullionModel_Release(model);
  Expect(MullionSession_PlacementCount(session) > 0, "placement");
  Expect(MullionSession_PlacementPrecision(session, 1000000) == MULLION_PRECISION_FP32, "no node");
  ExpectOk(MullionBinding_Create(session, &binding), "binding");
  ExpectOk(MullionValue_CreateImage(MULLION_PIXEL_GRAY8, 64, 48, NULL, 0, &image), "image");
  options.fit = MULLION_FIT_STRETCH;
  ExpectOk(MullionBinding_Bind(binding, "IMAGE", image, &options), "bind");
  MullionValue_Release(image);
  ExpectOk(MullionSession_Evaluate(session, binding, "first", NULL, &result), "evaluate");
  Expect(strcmp(MullionResult_CorrelationId(result), "first") == 0, "correlation id");
  Expect(strcmp(MullionResult_OutputName(result, 0), "probabilities") == 0, "output name");
  ExpectOk(MullionResult_Output(result, 0, &output), "output");
  MullionResult_Release(result);
  MullionBinding_Release(binding);
  MullionSession_Release(session);

  /* The value outlives all of them. */
  Expect(MullionValue_TensorKind(output) == MULLION_TENSOR_FLOAT, "float");
  Expect(MullionValue_Rank(output) == 2 && MullionValue_Shape(output)[1] == 10, "shape");
  values = (const float*)MullionValue_Data(output);
  for (i = 0; i < 10; ++i) sum += values[i];
  Expect(sum > 0.999f && sum < 1.001f, "probabilities sum to 1");
  MullionValue_Release(output);
}

static void TestNullArguments(void) {
  MullionModel* model = NULL;
  ExpectCode(MullionModel_LoadFromFilePath(NULL, &model), MULLION_INVALID_ARGUMENT, "null path");
  ExpectCode(MullionModel_LoadFromFilePath("x", NULL), MULLION_INVALID_ARGUMENT, "null result");
  ExpectCode(MullionSession_Create(NULL, NULL, NULL, NULL), MULLION_INVALID_ARGUMENT, "null model");
  ExpectCode(MullionBinding_Bind(NULL, "x", NULL, NULL), MULLION_INVALID_ARGUMENT, "null binding");
  ExpectCode(MullionSession_Evaluate(NULL, NULL, NULL, NULL, NULL), MULLION_INVALID_ARGUMENT,
             "null session");
  Expect(MullionStatus_Code(NULL) == MULLION_OK, "no status is success");
  Expect(MullionModel_InputCount(NULL) == 0, "getters take null");
  Expect(MullionSession_Precision(NULL) == MULLION_PRECISION_FP32, "getters take null");
  MullionSessionOptions_SetPrecision(NULL, MULLION_PRECISION_FP16);
  Expect(MullionValue_Data(NULL) == NULL, "getters take null");
  Expect(strcmp(MullionFeature_Name(NULL), "") == 0, "getters take null");
  MullionModel_Release(NULL);
  MullionValue_Release(NULL);
  MullionBinding_Release(NULL);
  MullionSessionOptions_Release(NULL);
  MullionStatus_Release(NULL);
}

static void CountRelease(void* context) { ++*(int*)context; }

static void TestWrappedMemory(void) {
  float memory[6] = {1, 2, 3, 4, 5, 6};
  const int64_t shape[2] = {2, 3};
  int released = 0;
  MullionValue* value = NULL;
  MullionValue* sequence = NULL;
  ExpectOk(MullionValue_WrapTensor(MULLION_TENSOR_FLOAT, shape, 2, memory, sizeof(memory),
                                   CountRelease, &released, &value),
           "wrap");
  Expect(MullionValue_Data(value) == memory, "in place");
  ExpectOk(MullionValue_CreateSequence(MULLION_TENSOR_UNDEFINED, &value, 1, &sequence), "sequence");
  MullionValue_Release(value);
  Expect(released == 0, "the sequence holds the memory");
  MullionValue_Release(sequence);
  Expect(released == 1, "released once");

  ExpectCode(MullionValue_WrapTensor(MULLION_TENSOR_FLOAT, shape, 2, memory, 20, CountRelease,
                                     &released, &value),
             MULLION_INVALID_ARGUMENT, "too little memory");
  Expect(released == 1, "a failure releases nothing");
  ExpectCode(MullionValue_WrapTensor(MULLION_TENSOR_FLOAT, shape, 1, (char*)memory + 1, 12, NULL,
                                     NULL, &value),
             MULLION_INVALID_ARGUMENT, "crooked memory");
}

static void TestKinds(void) {
  const float floats[2] = {0.5f, -2.0f};
  uint16_t halves[2];
  float back[2];
  Expect(MullionTensorKind_Bits(MULLION_TENSOR_INT4) == 4, "bits of int4");
  Expect(strcmp(MullionTensorKind_Name(MULLION_TENSOR_BFLOAT16), "bfloat16") == 0, "a name");
  Expect(MullionTensorKind_Bits((MullionTensorKind)99) == 0, "no kind");
  MullionFloat16_FromFloat(floats, halves, 2);
  Expect(halves[0] == 0x3800 && halves[1] == 0xc000, "float16");
  MullionFloat16_ToFloat(halves, back, 2);
  Expect(back[0] == 0.5f && back[1] == -2.0f, "float16 and back");
}

static void TestCodecs(const char* path) {
  MullionDecodedImage* image = MullionImage_DecodeFile(path, MULLION_PIXEL_BGRA8);
  MullionEncodedImage* file = NULL;
  Expect(MullionDecodedImage_Code(image) == MULLION_OK, "decode");
  Expect(MullionDecodedImage_Width(image) == 64, "width");
  Expect(MullionDecodedImage_Format(image) == MULLION_PIXEL_BGRA8, "format");
  file = MullionImage_EncodePng(MULLION_PIXEL_BGRA8, MullionDecodedImage_Width(image),
                                MullionDecodedImage_Height(image),
                                MullionDecodedImage_Pixels(image), 0);
  Expect(MullionEncodedImage_Code(file) == MULLION_OK && MullionEncodedImage_Size(file) > 60,
         "encode");
  MullionDecodedImage_Release(image);
  MullionEncodedImage_Release(file);
  image = MullionImage_DecodeFile("no such file.png", MULLION_PIXEL_UNKNOWN);
  Expect(MullionDecodedImage_Code(image) == MULLION_NOT_FOUND, "missing file");
  Expect(strstr(MullionDecodedImage_Message(image), "no such file.png") != NULL, "names the file");
  MullionDecodedImage_Release(image);
  image = MullionImage_DecodeBuffer("nonsense", 8, MULLION_PIXEL_UNKNOWN);
  Expect(MullionDecodedImage_Code(image) == MULLION_INVALID_ARGUMENT, "no image");
  MullionDecodedImage_Release(image);
}

int main(int count, char** arguments) {
  if (count != 3) return 2;
  TestEvaluation(arguments[1]);
  TestNullArguments();
  TestWrappedMemory();
  TestKinds();
  TestCodecs(arguments[2]);
  if (failures == 0) printf("passed with Mullion %s\n", MullionVersion());
  return failures == 0 ? 0 : 1;
}
