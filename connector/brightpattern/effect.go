package brightpattern

import "net/http"

// codeEffects is what an error code says about a POST, whatever the status.
// Codes that are not here leave it to the status.
var codeEffects = map[Code]Effect{
	CodeServerNotAvailable:     EffectNone,
	CodeCaseNotSpecified:       EffectNone,
	CodeServerTimeout:          EffectUnknown,
	CodeServerDisconnected:     EffectUnknown,
	CodeInternalServerError:    EffectUnknown,
	CodeFileError:              EffectUnknown,
	CodeUnspecifiedServerError: EffectUnknown,
	CodeCRMServerError:         EffectUnknown,
}

// refusedEffect is the effect of a call that got an error answer. Only a POST
// can have had one: an error answer to a poll gives no events away.
func refusedEffect(kind kind, status int, code Code) Effect {
	if kind != post {
		return EffectNone
	}
	if effect, ok := codeEffects[code]; ok {
		return effect
	}
	return statusEffect(status)
}

// statusEffect takes redirections for refusals: the API has none, so they come
// from something before it.
func statusEffect(status int) Effect {
	if status >= 300 && status < 500 || status == http.StatusServiceUnavailable {
		return EffectNone
	}
	return EffectUnknown
}

// lostEffect is the effect of a call without a whole, readable answer.
func lostEffect(kind kind, wentOut bool) Effect {
	if kind == get || !wentOut {
		return EffectNone
	}
	return EffectUnknown
}
