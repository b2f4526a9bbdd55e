// SPDX-License-Identifier: MIT
#include "api/cancellation.h"

#include <new>

MullionCancellation* MullionCancellation_Create(void) {
  return new (std::nothrow) MullionCancellation();
}

void MullionCancellation_Retain(MullionCancellation* cancellation) {
  if (cancellation != nullptr) cancellation->Retain();
}

void MullionCancellation_Release(MullionCancellation* cancellation) {
  if (cancellation != nullptr) cancellation->Release();
}

void MullionCancellation_Cancel(MullionCancellation* cancellation) {
  if (cancellation != nullptr) cancellation->token.Cancel();
}

int MullionCancellation_IsCancelled(const MullionCancellation* cancellation) {
  return cancellation != nullptr && cancellation->token.cancelled() ? 1 : 0;
}
