package store_test

import (
	"pgregory.net/rapid"

	"lbd/store"
	"lbd/store/model"
)

// octaviaGenerators are the verbs of load balancing that touch many objects, or
// none.
var octaviaGenerators = map[store.CommandKind]func(*rapid.T) any{
	store.QuotaUpdate: func(t *rapid.T) any {
		p := &store.QuotaPatch{Limits: map[model.QuotaClass]*int{}}
		p.Project = model.ProjectID(rapid.SampledFrom([]string{"a", "b", "p", ""}).Draw(t, "project"))
		for range rapid.IntRange(0, 2).Draw(t, "classes") {
			class := rapid.SampledFrom(model.QuotaClasses()).Draw(t, "class")
			p.Limits[class] = rapid.SampledFrom([]*int{nil, ptr(-2), ptr(-1), ptr(1), ptr(2), ptr(3)}).Draw(t, "limit")
		}
		return p
	},
	store.QuotaReset: func(t *rapid.T) any { return &store.QuotaRef{Project: model.ProjectID(id(t, "project"))} },
}
