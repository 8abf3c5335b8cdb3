"""Whether admission checks who decides: the policy and its binding must be there, and must deny."""

import time

from knowngood.shell import cluster as c

_BELIEVED_FOR = 5.0


class Guard:
    """Asked before a decision of a person is honoured; what was heard counts for a few seconds."""

    def __init__(self, api: c.Cluster, policy: str | None) -> None:
        self._api, self._policy = api, policy
        self._asked_at: float | None = None
        self.missing = "admission was not asked yet"

    async def check(self) -> None:
        """Ask, unless the answer is fresh; ``missing`` says what is wrong, and is empty where nothing is.

        Raises ApiError where the API server cannot say now: whether a decision counts is not known then, and a
        decision that is not honoured never counts again.
        """
        if self._asked_at is not None and time.monotonic() - self._asked_at < _BELIEVED_FOR:
            return
        self.missing = await self._what_is_missing()
        self._asked_at = time.monotonic()

    async def _what_is_missing(self) -> str:
        if self._policy is None:
            return "the setting admission.policy names no ValidatingAdmissionPolicy"
        try:
            policy = await self._api.get(c.ADMISSION_POLICIES, None, self._policy)
            binding = await self._api.get(c.ADMISSION_BINDINGS, None, self._policy)
        except c.ApiError as error:
            if error.passing:
                raise
            if error.not_found:
                return f"ValidatingAdmissionPolicy {self._policy} or its binding does not exist"
            return f"ValidatingAdmissionPolicy {self._policy} could not be read: {error}"
        if policy.get("spec", {}).get("failurePolicy", "Fail") != "Fail":
            return f"ValidatingAdmissionPolicy {self._policy} does not fail closed (failurePolicy)"
        spec = binding.get("spec", {})
        if spec.get("policyName") != self._policy or "Deny" not in spec.get("validationActions", []):
            return f"ValidatingAdmissionPolicyBinding {self._policy} does not deny by that policy"
        return ""
