#pragma once
namespace mullion::operators { class OperatorRegistry; }
