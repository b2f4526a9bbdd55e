// SPDX-License-Identifier: MIT
// The makers of random cases, one function a family of operators.
#ifndef MULLION_TESTS_DIFFERENTIAL_SUBJECTS_H_
#define MULLION_TESTS_DIFFERENTIAL_SUBJECTS_H_

#include <vector>

#include "tests/differential/case.h"

namespace mullion::differential {

std::vector<Subject> ElementwiseSubjects();
std::vector<Subject> ReductionSubjects();
std::vector<Subject> MovementSubjects();
std::vector<Subject> IndexingSubjects();
std::vector<Subject> MatrixSubjects();
std::vector<Subject> ImageSubjects();
std::vector<Subject> NormalizationSubjects();
std::vector<Subject> RecurrentSubjects();
std::vector<Subject> QuantizedSubjects();
std::vector<Subject> TextSubjects();
std::vector<Subject> SignalSubjects();
std::vector<Subject> SequenceSubjects();
std::vector<Subject> ControlSubjects();
std::vector<Subject> ClassicalSubjects();
std::vector<Subject> TreeSubjects();
std::vector<Subject> MicrosoftSubjects();
std::vector<Subject> BlockWeightSubjects();
std::vector<Subject> MixtureSubjects();
std::vector<Subject> RenamedSubjects();
std::vector<Subject> TransformerSubjects();
std::vector<Subject> GroupQuerySubjects();
std::vector<Subject> OldFormSubjects();
std::vector<Subject> SpelledOutSubjects();
std::vector<Subject> ExperimentalSubjects();
std::vector<Subject> PeerlessSubjects();
std::vector<Subject> ChainSubjects();

}  // namespace mullion::differential

#endif  // MULLION_TESTS_DIFFERENTIAL_SUBJECTS_H_
