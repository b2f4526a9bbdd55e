// SPDX-License-Identifier: MIT
#include "tests/differential/subjects.h"

namespace mullion::differential {

std::vector<Subject> AllSubjects() {
  std::vector<Subject> all;
  for (const auto family :
       {ElementwiseSubjects, ReductionSubjects, MovementSubjects,      IndexingSubjects,
        MatrixSubjects,      ImageSubjects,     NormalizationSubjects, RecurrentSubjects,
        QuantizedSubjects,   TextSubjects,      SignalSubjects,        SequenceSubjects,
        ControlSubjects,     ClassicalSubjects, TreeSubjects,          MicrosoftSubjects,
        BlockWeightSubjects, MixtureSubjects,   RenamedSubjects,       TransformerSubjects,
        GroupQuerySubjects,  OldFormSubjects,   SpelledOutSubjects,    ExperimentalSubjects,
        PeerlessSubjects,    ChainSubjects}) {
    for (const Subject& subject : family()) all.push_back(subject);
  }
  return all;
}

}  // namespace mullion::differential
