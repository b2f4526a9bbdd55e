#pragma once
namespace mullion::cpu { class KernelRegistry; }
