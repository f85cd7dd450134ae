/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.c - the routes of REST, in the order in which they are looked at: words before parameters.
 *
 * Arguments in braces come from the path. The others are query parameters of GET and DELETE, and
 * members of the body of POST and PATCH; what a required input object or a filter holds is given
 * without it. `expectedRevision` is the If-Match header. See compile.c.
 */
#include "rest/internal.h"

#define GET(path_, field_, summary_)                                                               \
	{                                                                                          \
		"GET", path_, field_, 200, .summary = (summary_)                                   \
	}
#define LIST(path_, field_, cursor_, summary_)                                                     \
	{                                                                                          \
		"GET", path_, field_, 200, .cursor = (cursor_), .summary = (summary_)              \
	}
#define POST(path_, field_, summary_)                                                              \
	{                                                                                          \
		"POST", path_, field_, 200, .summary = (summary_)                                  \
	}
#define PATCH(path_, field_, summary_)                                                             \
	{                                                                                          \
		"PATCH", path_, field_, 200, .summary = (summary_)                                 \
	}
#define DELETE(path_, field_, summary_)                                                            \
	{                                                                                          \
		"DELETE", path_, field_, 204, .summary = (summary_)                                \
	}
/* POST that makes something: the member of the payload that holds it, and its address. */
#define CREATE(path_, field_, member_, location_, summary_)                                        \
	{                                                                                          \
		"POST", path_, field_, 201, (member_), (location_), .summary = (summary_)          \
	}

const struct rest_row rest_rows[] = {
	/* Groups */
	LIST("/groups", "listConsumerGroups", "id", "Consumer groups."),
	CREATE("/groups", "createConsumerGroup", "group", "/groups/{id}", "Makes a group."),
	GET("/groups/default", "getDefaultConsumerGroup",
		"The group of sessions that nothing else claims."),
	GET("/groups/stats", "listConsumerGroupStats", "Use of all groups."),
	GET("/groups/by-name/{name}", "getConsumerGroupByName", "One group, by its name."),
	GET("/groups/{groupId}", "getConsumerGroup", "One group."),
	PATCH("/groups/{groupId}", "updateConsumerGroup", "Changes a group."),
	GET("/groups/{groupId}/stats", "getConsumerGroupStats", "Use of one group."),

	/* Mappings */
	LIST("/mappings", "listUserGroupMappings", "userId", "Users that are pinned to groups."),
	POST("/mappings", "mapUserToGroup", "Pins a user to a group, or to another one."),
	GET("/mappings/{userId}", "getUserGroupMapping", "The mapping of one user."),
	DELETE("/mappings/{userId}", "unmapUser", "Takes a mapping away."),

	/* Plans */
	LIST("/plans", "listResourcePlans", "id", "Resource plans."),
	CREATE("/plans", "createResourcePlan", "plan", "/plans/{id}", "Makes a plan."),
	GET("/plans/active", "getActiveResourcePlan", "The plan in force."),
	POST("/plans/deactivate", "deactivateResourcePlan", "Returns to the default plan."),
	GET("/plans/by-name/{name}", "getResourcePlanByName", "One plan, by its name."),
	GET("/plans/{planId}", "getResourcePlan", "One plan."),
	PATCH("/plans/{planId}", "updateResourcePlan", "Changes a plan."),
	POST("/plans/{planId}/activate", "activateResourcePlan", "Puts a plan in force."),
	GET("/plans/{planId}/validation", "validateResourcePlan", "What is wrong with a plan."),
	GET("/plans/{planId}/directives", "getResourcePlanDirectives", "Directives of a plan."),
	{"POST", "/plans/{planId}/directives", "createPlanDirective", 200, "directive",
		"/directives/{id}", .summary = "Gives a group its part of a plan."},
	GET("/allocations", "getEffectiveAllocations", "What each group gets under a plan."),

	/* Directives */
	GET("/directives/{directiveId}", "getPlanDirective", "One directive."),
	PATCH("/directives/{directiveId}", "updatePlanDirective", "Changes a directive."),
	DELETE("/directives/{directiveId}", "deletePlanDirective", "Takes a directive away."),

	/* CPU */
	GET("/cpu/stats", "getCpuSchedulerStats", "What the CPU scheduler has done."),
	GET("/cpu/config", "getCpuSchedulerConfig", "Settings of the CPU scheduler."),
	PATCH("/cpu/config", "configureCpuScheduler", "Changes settings of the CPU scheduler."),
	GET("/cpu/groups", "listCpuGroupStats", "CPU of all groups."),
	POST("/cpu/groups", "registerCpuGroup", "Sets CPU shares of a group."),
	GET("/cpu/groups/{groupId}", "getCpuGroupStats", "CPU of one group."),
	DELETE("/cpu/groups/{groupId}", "unregisterCpuGroup", "Takes CPU shares of a group away."),
	POST("/cpu/rebalance", "rebalanceCpuGroups", "Levels the groups' virtual runtimes."),
	POST("/cpu/runaways", "detectRunawayQueries",
		"Marks and throttles tasks that are over the threshold."),

	/* Tasks */
	LIST("/tasks", "listCpuTasks", "taskId", "Tasks of the CPU scheduler."),
	CREATE("/tasks", "addCpuTask", "task", "/tasks/{taskId}", "Adds a task of another engine."),
	POST("/tasks/next", "scheduleNextCpuTask", "Picks the task that runs next."),
	GET("/tasks/{taskId}", "getCpuTask", "One task."),
	POST("/tasks/{taskId}/usage", "updateCpuTask", "Reports CPU that a task used."),
	POST("/tasks/{taskId}/yield", "yieldCpuTask", "A task stops running and stays ready."),
	POST("/tasks/{taskId}/complete", "completeCpuTask", "A task is done."),

	/* Sessions */
	LIST("/sessions", "listSessions", "sessionId", "Sessions."),
	CREATE("/sessions", "createSession", "session", "/sessions/{sessionId}",
		"Begins a session."),
	GET("/sessions/active", "listActiveSessions", "Sessions that run a query."),
	GET("/sessions/stats", "getSessionStats", "What the session controller has done."),
	GET("/sessions/{sessionId}", "getSession", "One session."),
	DELETE("/sessions/{sessionId}", "terminateSession", "Ends a session of this server."),
	POST("/sessions/{sessionId}/kill", "killSession", "Ends a session and its work."),
	GET("/sessions/{sessionId}/group", "getSessionGroup", "The group of a session, and why."),
	POST("/sessions/{sessionId}/switch", "switchSessionGroup",
		"Moves a session to another group."),
	POST("/sessions/{sessionId}/start-query", "startQuery",
		"A query of another engine begins."),
	POST("/sessions/{sessionId}/complete-query", "completeQuery",
		"A query of another engine is over."),
	POST("/sessions/{sessionId}/sql", "executeSql", "Runs one statement."),
	POST("/sessions/{sessionId}/cancel", "cancelSql", "Cancels the statement that runs."),

	/* The server, and this interface itself */
	GET("/server", "serverInfo", "Version, times, processors."),
	GET("/openapi.json", NULL, "This document."),
	GET("/problems", NULL, "What the codes of problems mean."),
};
const size_t rest_n_rows = sizeof(rest_rows) / sizeof(rest_rows[0]);
